"""Bytewise order of keys, compared by the million and to their last byte."""

import numpy as np
import numpy.typing as npt

from requorum.formats.bbolt.columns import (
    I64,
    NO_KEY,
    ElementRows,
    FileBytes,
    Mask,
    PageRows,
    References,
)
from requorum.formats.bbolt.damage import DamageLog

_FEW_ROWS = 32
_LONG_PREFIX = 512
"""Few pairs, and pairs that begin with so many equal bytes, are faster one by one."""

Signs = npt.NDArray[np.int8]


def compare_keys(file: FileBytes, a_offset: I64, a_size: I64, b_offset: I64, b_size: I64) -> Signs:
    """Return -1, 0 or 1 per row, as key a is less than, equal to or greater than key b.

    Eight bytes of each pair at a time, only for pairs that are still equal. Where a shorter key
    equals the other one up to its end, zeros standing for what it lacks, length decides.
    """
    signs = np.zeros(len(a_offset), dtype=np.int8)
    rows = np.arange(len(a_offset))
    done = 0
    while len(rows) >= _FEW_ROWS and done < _LONG_PREFIX:
        a = file.key_block(a_offset + done, a_size - done)
        b = file.key_block(b_offset + done, b_size - done)
        done += 8
        signs[rows] = np.where(a == b, np.sign(a_size - b_size), np.where(a < b, -1, 1))
        undecided = (a == b) & (np.minimum(a_size, b_size) > done)
        rows = rows[undecided]
        a_offset, a_size = a_offset[undecided], a_size[undecided]
        b_offset, b_size = b_offset[undecided], b_size[undecided]
    places = zip(
        a_offset.tolist(), a_size.tolist(), b_offset.tolist(), b_size.tolist(), strict=True
    )
    for row, place in zip(rows.tolist(), places, strict=True):
        signs[row] = _compare_pair(file, *place)
    return signs


def _compare_pair(file: FileBytes, a_offset: int, a_size: int, b_offset: int, b_size: int) -> int:
    a = bytes(file.view[a_offset : a_offset + a_size])
    b = bytes(file.view[b_offset : b_offset + b_size])
    return (a > b) - (a < b)


def check_ascending(
    file: FileBytes, pages: PageRows, elements: ElementRows, log: DamageLog
) -> None:
    """Note each key that is not greater than the one before it on its page."""
    pairs = elements.page[1:] == elements.page[:-1]
    pairs &= elements.sound[1:] & elements.sound[:-1]
    bad = _not_ascending(file, elements.key_offset, elements.key_size, pairs)
    if bad.any():
        rows = elements.take(slice(1, None)).take(bad)
        log.add_rows(
            pages.pgid[rows.page], rows.offset, "key is not greater than the one before it"
        )


def _not_ascending(file: FileBytes, offset: I64, size: I64, pairs: Mask) -> Mask:
    """Return which of those pairs of neighbours are not in order.

    While most are undecided, each key is read once for both of its pairs. `compare_keys` decides
    the others.
    """
    shorter = np.minimum(size[1:], size[:-1])
    bad, undecided, done = np.zeros_like(pairs), pairs, 0
    while done < _LONG_PREFIX and 2 * np.count_nonzero(undecided) > len(undecided):
        block = file.key_block(offset + done, size - done)
        done += 8
        bad |= undecided & (block[:-1] > block[1:])
        undecided = undecided & (block[:-1] == block[1:])
        ended = undecided & (shorter <= done)
        bad |= ended & (size[:-1] >= size[1:])
        undecided &= ~ended
    rows = np.flatnonzero(undecided)
    offset, size = offset + done, size - done
    signs = compare_keys(file, offset[rows], size[rows], offset[rows + 1], size[rows + 1])
    bad[rows] = signs >= 0
    return bad


def check_bounds(file: FileBytes, pages: PageRows, elements: ElementRows, log: DamageLog) -> None:
    """Note pages whose first or last key lies outside of what their parent says."""
    ends = np.cumsum(pages.count)
    filled = pages.count > 0
    held = pages if filled.all() else pages.take(filled)
    _check_side(file, held, elements.take((ends - pages.count)[filled]), log, lower=True)
    _check_side(file, held, elements.take((ends - 1)[filled]), log, lower=False)


def _check_side(
    file: FileBytes, pages: PageRows, elements: ElementRows, log: DamageLog, *, lower: bool
) -> None:
    size = pages.lower_size if lower else pages.upper_size
    offset = pages.lower_offset if lower else pages.upper_offset
    known: Mask = (size != NO_KEY) & elements.sound
    if not known.any():
        return
    keys = elements.take(known)
    signs = compare_keys(file, keys.key_offset, keys.key_size, offset[known], size[known])
    bad = signs < 0 if lower else signs >= 0
    what = "key is less than its parent's" if lower else "key is not less than the next page's"
    log.add_rows(pages.pgid[known][bad], keys.offset[bad], what)


def child_references(pages: PageRows, elements: ElementRows) -> References:
    """Return the children of branch pages, each with the bounds that its siblings set."""
    row = elements.page
    lower_size = np.where(elements.sound, elements.key_size, NO_KEY)
    upper_offset, upper_size = pages.upper_offset[row], pages.upper_size[row]
    followed = np.append(row[1:] == row[:-1], False)[: len(row)]
    upper_offset[followed] = np.roll(elements.key_offset, -1)[followed]
    upper_size[followed] = np.roll(lower_size, -1)[followed]
    return References(
        elements.word, pages.pgid[row], elements.offset,
        elements.key_offset, lower_size, upper_offset, upper_size, pages.tree[row],
    )  # fmt: skip  # one row of columns reads better than eight lines
