"""How many of the users' keys exist: the last record of each is no tombstone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from requorum.formats.bbolt.columns import I64, U64, FileBytes, Mask, Rows
from requorum.formats.user_keys import UserKeys, fingerprints, last_with_prints


@dataclass(frozen=True, slots=True)
class KeyPrints(Rows):
    """What is kept of each record to tell which keys live: 21 bytes."""

    fingerprint: U64
    offset: I64
    size: npt.NDArray[np.int32]
    tombstone: Mask

    @classmethod
    def of(cls, file: FileBytes, keys: UserKeys, tombstone: Mask) -> "KeyPrints":
        """Return them for some records."""
        return cls(fingerprints(file, keys), keys.offset, keys.size.astype(np.int32), tombstone)


def live_key_count(file: FileBytes, records: Sequence[KeyPrints]) -> int:
    """Return how many keys exist after all records, which come in the order of their revisions."""
    if not records:
        return 0
    prints = np.concatenate([part.fingerprint for part in records])
    prints.sort()
    if not (prints[1:] == prints[:-1]).any():
        # No key comes twice, so each of them has but one record, which is its last.
        return len(prints) - sum(int(np.count_nonzero(part.tombstone)) for part in records)
    whole = KeyPrints.concatenate(records)
    keys = UserKeys(whole.offset, whole.size.astype(np.int64))
    last = last_with_prints(file, keys, whole.fingerprint)
    return int(np.count_nonzero(last & ~whole.tombstone))
