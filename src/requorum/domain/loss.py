"""What a recovery may have lost, stated in etcd's own numbers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class UnprovenRange:
    """Acknowledged writes in this range may be missing from the result.

    Both ends are inclusive; `last_*` is None where no upper end can be known. Revisions are those
    that clients were given before the failure.
    """

    first_index: int
    last_index: int | None
    first_revision: int
    last_revision: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """The whole statement: either proven none, or every range that is not proven.

    `grounds` are the sentences that the proof, or the doubt, rests on.
    """

    unproven: tuple[UnprovenRange, ...]
    grounds: tuple[str, ...]

    @property
    def proven_none(self) -> bool:
        """Return whether no acknowledged write can be missing."""
        return not self.unproven
