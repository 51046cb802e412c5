"""Conflicts between files that a put in the log decides, wherever in history it stands.

Damage makes a record that nobody ever wrote. So where copies of one record differ, and the log
asks for just what one of them holds, and for none of the others, that one is right.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from requorum.formats.mvcc import KeyValue
from requorum.formats.raftpb import Entry
from requorum.inspection.salvage.claims import Claims
from requorum.inspection.salvage.entry_requests import Puts, puts_in
from requorum.inspection.salvage.places import place_of
from requorum.inspection.salvage.settled import Conflict, Settled
from requorum.inspection.salvage.user_key_column import print_of, value_of


def decided_by_puts(settled: Settled, entries: Mapping[int, Entry]) -> Settled:
    """Choose the copies that the log asks for; what it cannot decide stays as it is."""
    if all(conflict.settled for conflict in settled.conflicts):
        return settled
    asked = puts_in(entries.values())
    records, prints = settled.records, settled.prints.copy()
    chosen = records.take(slice(0, len(records)))
    conflicts = []
    for conflict in settled.conflicts:
        copy = None if conflict.settled else _only_one_asked_for(settled, conflict, asked)
        if copy is None or conflict.copies is None:
            conflicts.append(conflict)
            continue
        row = int(np.searchsorted(records.place, place_of(conflict.revision, conflict.sub)))
        right = conflict.copies
        for column in ("tombstone", "file", "value_offset", "value_size", "rank"):
            values = getattr(chosen, column).copy()
            values[row] = getattr(right, column)[copy]
            chosen = replace(chosen, **{column: values})
        key = _content(settled, right, copy).key
        prints[row] = print_of(key)
        conflicts.append(_decided(conflict, key, int(right.file[copy])))
    return replace(settled, records=chosen, prints=prints, conflicts=tuple(conflicts))


def _only_one_asked_for(settled: Settled, conflict: Conflict, asked: Puts) -> int | None:
    """Return which of a conflict's copies the log asks for, None where it is not just one."""
    if conflict.copies is None or conflict.copies.tombstone.any():
        return None
    contents = [_content(settled, conflict.copies, row) for row in range(len(conflict.copies))]
    fitting = [
        row
        for row, kv in enumerate(contents)
        if kv.mod_revision == conflict.revision and (kv.key, kv.value) in asked
    ]
    return fitting[0] if len(fitting) == 1 else None


def _content(settled: Settled, claims: Claims, row: int) -> KeyValue:
    return KeyValue.decode(value_of(settled.files, claims, row))


def _decided(conflict: Conflict, key: bytes, file: int) -> Conflict:
    if file in conflict.believed:
        return replace(conflict, reason="the log asks for it so", settled=True)
    others = tuple(sorted({*conflict.believed, *conflict.others} - {file}))
    return replace(
        conflict, key=key, believed=(file,), others=others,
        reason="the log asks for it so", settled=True,
    )  # fmt: skip  # who is right, and why
