"""All signatures that are known."""

from requorum.domain.signatures import database, log, membership, versions
from requorum.domain.signatures.signature import MinorSeries, Signature

CATALOGUE: tuple[Signature, ...] = (
    *log.ENTRIES,
    *database.ENTRIES,
    *versions.ENTRIES,
    *membership.ENTRIES,
)


def recognise(line: str, minor: MinorSeries | None = None) -> tuple[Signature, ...]:
    """Return what a log line of that minor says, in the order of the catalogue."""
    return tuple(signature for signature in CATALOGUE if signature.found_in(line, minor))
