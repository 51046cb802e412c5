"""What a snapshot file, or a copied db, is worth: may it be restored, and what is in it."""

from dataclasses import dataclass
from typing import Literal

from requorum.formats.snapshot_file import split_trailer, trailer_matches
from requorum.formats.source import Head, Source
from requorum.inspection.database import examine_database
from requorum.inspection.evidence import DatabaseEvidence


@dataclass(frozen=True, slots=True)
class SnapshotEvidence:
    """`trailer`: whether the SHA-256 behind the database is right, wrong, or not there.

    A file without one is a db that was copied from a data directory.
    """

    size: int
    trailer: Literal["matches", "differs", "absent"]
    database: DatabaseEvidence

    @property
    def problems(self) -> tuple[str, ...]:
        """Return why it must not be restored; empty when it may."""
        if self.trailer == "differs":
            return ("its SHA-256 does not match: it was altered or cut after it was saved",)
        return self.database.problems


def examine_snapshot(source: Source) -> SnapshotEvidence:
    """Check the trailer, every page, and what the buckets say. Damage is evidence, no error."""
    matches = trailer_matches(source)
    database = examine_database(Head(source, split_trailer(source).db_size))
    trailer: Literal["matches", "differs", "absent"] = (
        "absent" if matches is None else "matches" if matches else "differs"
    )
    return SnapshotEvidence(size=source.size, trailer=trailer, database=database)
