"""The records of all files side by side: the place in history they claim, and their content."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from crc32c import crc32c

from requorum.formats.bbolt.columns import I64, U64, FileBytes, Mask, Rows
from requorum.inspection.salvage.gather import Gathered
from requorum.inspection.salvage.key_leaves import RecordRows
from requorum.inspection.salvage.places import mains
from requorum.inspection.salvage.strays import Strays
from requorum.inspection.salvage.witness import Standing

I8 = npt.NDArray[np.int8]

STRAY = len(Standing)
"""The rank of what no tree holds."""


@dataclass(frozen=True, slots=True)
class Claims(Rows):
    """Records, one row for each copy of each.

    `rank` is the Standing of the tree that holds it, or STRAY; the lower, the better.
    `sure_until` is the revision up to which its key is known to have no later record.
    """

    place: U64
    tombstone: Mask
    file: I8
    value_offset: I64
    value_size: I64
    rank: I8
    sure_until: I64


def all_claims(files: Sequence[Gathered]) -> Claims:
    """Return everything that any file holds, by place and rank; each copy of a record once."""
    parts = [_none()]
    for number, gathered in enumerate(files):
        parts.extend(
            _claims(witness.rows, number, witness.standing, witness.sure_until)
            for witness in gathered.witnesses
        )
        if len(gathered.strays.rows):
            until = _until_end_of_run(gathered.strays)
            parts.append(_claims(gathered.strays.rows, number, STRAY, until))
    claims = Claims.concatenate(parts)
    claims = claims.take(np.lexsort((claims.rank, claims.place)))
    return _each_copy_once(claims)


def _none() -> Claims:
    none, small = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int8)
    return Claims(none.astype(np.uint64), none == 1, small, none, none, small, none)


def _claims(rows: RecordRows, file: int, rank: int, sure_until: I64) -> Claims:
    count = len(rows)
    return Claims(
        rows.place, rows.tombstone, np.full(count, file, dtype=np.int8),
        rows.value_offset, rows.value_size, np.full(count, rank, dtype=np.int8), sure_until,
    )  # fmt: skip  # in the order of their declaration


def _until_end_of_run(strays: Strays) -> I64:
    _, last = strays.runs()
    number = np.cumsum(np.append(True, np.diff(strays.run) != 0)) - 1
    until: I64 = mains(last[number])
    return until


def _each_copy_once(claims: Claims) -> Claims:
    """Drop rows that lie at the same bytes of the same file as a better ranked one.

    Two trees of one file share most of their pages. What the worse one knows of the future of a
    record is kept: it is true as well.
    """
    order = np.lexsort((claims.rank, claims.value_offset, claims.file, claims.place))
    sorted_ = claims.take(order)
    again = np.zeros(len(claims), dtype=np.bool_)
    again[1:] = (
        (sorted_.place[1:] == sorted_.place[:-1])
        & (sorted_.file[1:] == sorted_.file[:-1])
        & (sorted_.value_offset[1:] == sorted_.value_offset[:-1])
    )
    if not again.any():
        return claims
    firsts = np.flatnonzero(~again)
    sorted_.sure_until[firsts] = np.maximum.reduceat(sorted_.sure_until, firsts)
    kept = sorted_.take(~again)
    return kept.take(np.lexsort((kept.rank, kept.place)))


def checksums(files: Sequence[FileBytes | None], claims: Claims) -> U64:
    """Return a number for each row's content: rows of one place with the same number are equal."""
    views = [file.view if file is not None else memoryview(b"") for file in files]
    places = zip(
        claims.file.tolist(), claims.value_offset.tolist(), claims.value_size.tolist(), strict=True
    )
    sums = (crc32c(views[file][offset : offset + size]) for file, offset, size in places)
    crc = np.fromiter(sums, dtype=np.uint64, count=len(claims))
    size = claims.value_size.astype(np.uint64) << np.uint64(33)
    mixed: U64 = crc | size | (claims.tombstone.astype(np.uint64) << np.uint64(32))
    return mixed
