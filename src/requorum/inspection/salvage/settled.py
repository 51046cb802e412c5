"""One record for each place in history, chosen from all copies that there are of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from requorum.formats.bbolt.columns import I64, U64, FileBytes, Mask
from requorum.inspection.salvage.claims import Claims, all_claims, checksums
from requorum.inspection.salvage.false_ends import without_false_ends
from requorum.inspection.salvage.gather import Gathered
from requorum.inspection.salvage.moved import once_per_revision, strays_with_moved, with_moved
from requorum.inspection.salvage.partings import Parting, Told, find_partings
from requorum.inspection.salvage.places import main_of, mains, place_of, sub_of
from requorum.inspection.salvage.user_key_column import key_prints, print_of, user_key
from requorum.inspection.salvage.witness import Standing, Witness

_FILES_MAX = 128
"""A file's number is a signed byte."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A place whose copies differ. `believed` and `others` are file numbers.

    `key` is that of the copy which is believed, `reason` is why; `settled` says whether it is more
    than a guess. `prints` are those of the keys that the copies name, see `key_prints`; `copies`
    has one row for each content that there is.
    """

    revision: int
    sub: int
    key: bytes
    believed: tuple[int, ...]
    others: tuple[int, ...]
    reason: str
    settled: bool
    prints: tuple[int, ...] = ()
    copies: Claims | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """`records` has one row for each place, ascending. `witnesses` are those that are believed.

    `prints` has a number for each record's key, see `key_prints`; `alike` says how many files hold
    the record just so.
    """

    files: tuple[FileBytes | None, ...]
    gathered: tuple[Gathered, ...]
    witnesses: tuple[Witness, ...]
    records: Claims
    prints: I64
    alike: I64
    partings: tuple[Parting, ...]
    conflicts: tuple[Conflict, ...]


def settle(gathered: Sequence[Gathered]) -> Settled:
    """Put the files' records together; see `Conflict` and `Parting` for what does not fit."""
    gathered = without_false_ends(gathered)
    files = tuple(g.file for g in gathered)
    claims = _within_history(all_claims(gathered))
    several = len(gathered) > 1 or bool((claims.place[1:] == claims.place[:-1]).any())
    sums = checksums(files, claims) if several else np.zeros(len(claims), dtype=np.uint64)
    witnesses = [w for g in gathered for w in g.witnesses]
    partings = find_partings(_told(files, witnesses, claims, sums)) if len(gathered) > 1 else []
    witnesses, believed = _without_dropped(witnesses, claims, partings)
    claims, sums = claims.take(believed), sums[believed]
    chosen, copies, groups = _choose(claims, sums)
    prints = key_prints(files, chosen)
    judge = _Judge(files, chosen, prints, witnesses)
    conflicts = [judge.decide(_Group(claims, sums, rows), row) for row, rows in groups]
    alike = _files_alike(claims, sums, chosen)
    once, moved = once_per_revision(chosen, prints, copies)
    chosen, prints, alike = chosen.take(once), prints[once], alike[once]
    return Settled(
        files=files,
        gathered=tuple(strays_with_moved(g, moved) for g in gathered),
        witnesses=tuple(with_moved(w, moved) for w in witnesses),
        records=chosen,
        prints=prints,
        alike=alike,
        partings=tuple(partings),
        conflicts=tuple(conflicts),
    )


def _within_history(claims: Claims) -> Claims:
    """Leave out tombstones far behind the last put: nothing but their key says when they were.

    A history may end with deletions, but not skip a revision there.
    """
    puts = np.flatnonzero(~claims.tombstone)
    begin = int(puts[-1]) if len(puts) else 0
    main = mains(claims.place[begin:])
    skips = np.flatnonzero(np.diff(main) > 1)
    return claims.take(slice(0, begin + int(skips[0]) + 1)) if len(skips) else claims


def _told(
    files: Sequence[FileBytes | None], witnesses: Iterable[Witness], claims: Claims, sums: U64
) -> list[Told]:
    """Return the current trees with the checksums of their rows."""
    told = []
    for witness in witnesses:
        if witness.standing is Standing.CURRENT:
            mine = (claims.file == witness.file) & (claims.rank == Standing.CURRENT)
            file = files[witness.file]
            if file is not None and int(mine.sum()) == len(witness.rows):
                told.append(Told(file, witness, sums[mine]))
    return told


def _without_dropped(
    witnesses: Sequence[Witness], claims: Claims, partings: Iterable[Parting]
) -> tuple[list[Witness], Mask]:
    """Cut what is another history off the witnesses; return which claims are left."""
    ends: dict[int, int] = {}
    for parting in partings:
        if parting.believed not in ends or ends[parting.believed] > parting.revision:
            known = ends.get(parting.dropped, parting.revision)
            ends[parting.dropped] = min(known, parting.revision)
    kept = np.ones(len(claims), dtype=np.bool_)
    for file, revision in ends.items():
        kept &= (claims.file != file) | (claims.place < np.uint64(place_of(revision)))
    return [_cut(w, ends[w.file]) if w.file in ends else w for w in witnesses], kept


def _cut(witness: Witness, revision: int) -> Witness:
    """Return what a witness says of the time before a revision."""
    end = int(np.searchsorted(witness.rows.place, np.uint64(place_of(revision))))
    compact = witness.compact if (witness.compact or 0) < revision else None
    return replace(
        witness,
        rows=witness.rows.take(slice(0, end)),
        gap_before=witness.gap_before[:end],
        gap_at_end=True,
        index=None,
        term=None,
        compact=compact,
    )


def _choose(claims: Claims, sums: U64) -> tuple[Claims, I64, list[tuple[int, range]]]:
    """Return one row for each place, the best ranked, and how many copies are like it.

    Also returns, for each row whose copies differ, the rows of all of them.
    """
    if not len(claims):
        return claims, np.zeros(0, dtype=np.int64), []
    first = np.append(True, claims.place[1:] != claims.place[:-1])
    starts = np.flatnonzero(first)
    group = np.cumsum(first) - 1
    unlike = np.append(False, ~first[1:] & (sums[1:] != sums[:-1]))
    ends = np.append(starts[1:], len(claims))
    chosen = claims.take(starts)
    # What any copy's tree knows of the time behind a record is true of the record.
    chosen.sure_until[:] = np.maximum.reduceat(claims.sure_until, starts)
    copies = np.add.reduceat((sums == sums[starts][group]).astype(np.int64), starts)
    groups = [
        (number, range(int(starts[number]), int(ends[number])))
        for number in np.unique(group[unlike]).tolist()
    ]
    return chosen, copies, groups


def _files_alike(claims: Claims, sums: U64, chosen: Claims) -> I64:
    """Return for each chosen record how many files hold it just so."""
    count = len(chosen)
    group = np.cumsum(np.append(True, claims.place[1:] != claims.place[:-1])[: len(claims)]) - 1
    same = (claims.file == chosen.file[group]) & (claims.value_offset == chosen.value_offset[group])
    chosen_sums = np.zeros(count, dtype=np.uint64)
    chosen_sums[group[same]] = sums[same]
    alike = sums == chosen_sums[group]
    pairs = np.unique(group[alike] * _FILES_MAX + claims.file[alike])
    return np.bincount(pairs // _FILES_MAX, minlength=count).astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Group:
    """All copies of one record that are not alike."""

    claims: Claims
    sums: U64
    rows: range

    def by_content(self) -> list[list[int]]:
        found: dict[int, list[int]] = {}
        for row in self.rows:
            found.setdefault(int(self.sums[row]), []).append(row)
        return list(found.values())

    def files_of(self, rows: Iterable[int]) -> set[int]:
        return {int(self.claims.file[row]) for row in rows}


_REASONS = (
    "more files hold it so",
    "its key is known otherwise, that of the others is not",
    "more copies are so, and nothing else tells",
    "nothing tells; the better tree holds it so",
    "nothing tells; the newer file was taken",
)
_NO_REASON = "nothing tells; the first file was taken"


class _Judge:
    """Chooses between copies that are not alike."""

    def __init__(
        self,
        files: Sequence[FileBytes | None],
        chosen: Claims,
        prints: I64,
        witnesses: Sequence[Witness],
    ) -> None:
        self._files = files
        self._chosen = chosen
        self._prints = prints
        self._known = np.sort(prints)
        self._newest = {w.file: (w.term or 0, w.index or 0) for w in reversed(witnesses)}

    def decide(self, group: _Group, row: int) -> Conflict:
        """Choose, and note the choice in the row of what is chosen."""
        contents = group.by_content()
        named = [print_of(user_key(self._files, group.claims, rows[0])) for rows in contents]
        own = int(self._prints[row])
        merits = [
            self._merit(group, rows, name, own) for rows, name in zip(contents, named, strict=True)
        ]
        order = sorted(range(len(contents)), key=merits.__getitem__, reverse=True)
        first, second = merits[order[0]], merits[order[1]]
        decisive = next((n for n in range(len(first)) if first[n] != second[n]), None)
        right = contents[order[0]]
        for column in ("tombstone", "file", "value_offset", "value_size", "rank"):
            getattr(self._chosen, column)[row] = getattr(group.claims, column)[right[0]]
        self._prints[row] = named[order[0]]
        place = int(self._chosen.place[row])
        return Conflict(
            revision=main_of(place),
            sub=sub_of(place),
            key=user_key(self._files, group.claims, right[0]),
            believed=tuple(sorted(group.files_of(right))),
            others=tuple(sorted(group.files_of(r for n in order[1:] for r in contents[n]))),
            reason=_NO_REASON if decisive is None else _REASONS[decisive],
            settled=decisive == 0,
            prints=tuple(sorted(set(named))),
            copies=group.claims.take(np.array([rows[0] for rows in contents])),
        )

    def _merit(
        self, group: _Group, rows: list[int], name: int, own: int
    ) -> tuple[int, bool, int, int, tuple[int, int]]:
        begin, end = np.searchsorted(self._known, name), np.searchsorted(self._known, name, "right")
        files = group.files_of(rows)
        best = min(int(group.claims.rank[r]) for r in rows)
        newer = max(self._newest.get(file, (0, 0)) for file in files)
        return len(files), bool(end - begin > (name == own)), len(rows), -best, newer
