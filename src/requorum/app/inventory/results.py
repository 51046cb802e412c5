"""What `inventory discover` returns."""

from requorum.app.results import Result


class FieldResult(Result):
    """A field of a member's that is to be filled in, or to be looked at."""

    member: str
    field: str


class DiscoverResult(Result):
    """A cluster file. `file` is null where it was not written; `text` is its content.

    `missing` has to be filled in before the file loads; `unsure` was concluded from other values.
    """

    file: str | None
    members: tuple[str, ...]
    missing: tuple[FieldResult, ...]
    unsure: tuple[FieldResult, ...]
    notes: tuple[str, ...]
    text: str
