"""The kinds of damage, by the names that the command line takes."""

from enum import StrEnum


class DamageKind(StrEnum):
    """What can befall a member's disk."""

    LOST_DISK = "lost-disk"
    DB_TRUNCATED = "db-truncated"
    DB_PAGE_FLIPPED = "db-page-flipped"
    DB_META_FLIPPED = "db-meta-flipped"
    WAL_RECORD_FLIPPED = "wal-record-flipped"
    WAL_TORN_TAIL = "wal-torn-tail"
    WAL_SEGMENT_MISSING = "wal-segment-missing"
    SNAP_MISSING = "snap-missing"
    STALE_COPY = "stale-copy"
    WRONG_CLUSTER = "wrong-cluster"
