"""What is noted while a start takes its course, and how it ends early."""

from dataclasses import dataclass, field
from typing import NoReturn

from requorum.domain.signatures.signature import Signature

AT_ONCE = "at once"


class Ended(Exception):
    """The start ends here, with a line in etcd's log.

    `alternatives`: garbage is read, and depending on what it is one of these comes instead.
    """

    def __init__(
        self,
        signature: Signature,
        log_line: str,
        why: str,
        *,
        when: str,
        alternatives: tuple[Signature, ...],
    ) -> None:
        super().__init__(log_line)
        self.signature = signature
        self.log_line = log_line
        self.why = why
        self.when = when
        self.alternatives = alternatives


@dataclass(slots=True)
class Course:
    """Changes of files and warnings, in the order in which they come up.

    `repaired`: whether a change mended something, as opposed to cleaning up.
    """

    changes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    repaired: bool = False

    def change(self, what: str, *, repair: bool = True) -> None:
        """Note that etcd changes a file."""
        self.changes.append(what)
        self.repaired = self.repaired or repair

    def warn(self, what: str) -> None:
        """Note what is dangerous about going on."""
        self.warnings.append(what)


def end(
    signature: Signature,
    why: str,
    *,
    line: str | None = None,
    when: str = AT_ONCE,
    alternatives: tuple[Signature, ...] = (),
) -> NoReturn:
    """End the start with a signature; its usual text unless a more exact `line` is known."""
    raise Ended(signature, line or signature.symptom, why, when=when, alternatives=alternatives)
