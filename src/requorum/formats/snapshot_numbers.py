"""What `etcdutl snapshot status` prints, of every minor version at once."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SnapshotStatus:
    """`hash` is CRC32C over all buckets, `total_size` the bytes below the high water mark.

    `total_keys_all_buckets` is the total of 3.4 and 3.5: the rows of all buckets;
    `total_keys_live` that of 3.6 and later: keys that exist; a revision-bump marker, whose key is
    empty, counts as one. It is None where records do not decode: 3.6 refuses the file then.
    `storage_version` is empty before 3.6.
    """

    hash: int
    revision: int
    total_keys_all_buckets: int
    total_keys_live: int | None
    total_size: int
    storage_version: str
