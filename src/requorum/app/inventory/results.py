"""What `inventory discover` and `inventory check` return."""

from requorum.app.results import Result
from requorum.domain.finding import Verdict


class FieldResult(Result):
    """A field of a member's that is to be filled in, or to be looked at."""

    member: str
    field: str


class DiscoverResult(Result):
    """A cluster file. `file` is null where it was not written; `text` is its content.

    `missing` has to be filled in before it `loads`; `unsure` was concluded from other values.
    """

    file: str | None
    loads: bool
    members: tuple[str, ...]
    missing: tuple[FieldResult, ...]
    unsure: tuple[FieldResult, ...]
    notes: tuple[str, ...]
    text: str


class CheckResult(Result):
    """One thing that was looked at. `subject` is a member, a host, a file, or the whole cluster."""

    check: str
    subject: str
    verdict: Verdict
    finding: str
    hint: str | None = None


class InventoryCheckResult(Result):
    """All of them; `verdict` is the worst."""

    cluster: str
    verdict: Verdict
    checks: tuple[CheckResult, ...]
