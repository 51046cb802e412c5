"""The log told over again, and held against every record that survived.

Each entry's changes are predicted from the state before it. Where records of that revision survive,
they must be what was predicted; that proves the state, and with it everything that was predicted
since the last time it was proven. Where they are not: the entry may have been turned down; a byte
of the record may be damaged, for the log has checksums and the file has none; or the state is not
what we think, and then nothing predicted since the last proof is believed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from requorum.formats.mvcc import KeyValue
from requorum.formats.raftpb import Entry
from requorum.formats.requests import DeleteRange, LeaseRevoke, Put, Txn
from requorum.inspection.salvage.entry_requests import request_of
from requorum.inspection.salvage.places import main_of, place_of
from requorum.inspection.salvage.replay.applied import KeyChange, Outcome
from requorum.inspection.salvage.replay.base import MemberState, Truth
from requorum.inspection.salvage.replay.held import (
    Held,
    HeldRow,
    alike_but_for_damage,
    explains,
    is_change,
    may_have_made,
)
from requorum.inspection.salvage.replay.key_space import KeySpace, KeyState
from requorum.inspection.salvage.replay.member import Keyed, Member
from requorum.inspection.salvage.replay.told import Told, ToldRecord
from requorum.inspection.salvage.user_key_column import value_of

LOOKAHEAD = 200
"""How many entries are asked whether one of them made a revision that this one did not."""

CORRECTIONS_MAX = 50
"""So many revisions in a row that differ are no damaged bytes: the state is not what we think."""

UNLIKE_MAX = 2
"""So many of them may have nothing in common with what the log says."""


class Teller:
    """Tells contiguous entries from a state on."""

    def __init__(
        self,
        truth: Truth,
        state: MemberState,
        *,
        unproven: bool = False,
        unsure_until: int = 0,
        keep_at: int | None = None,
    ) -> None:
        """Begin; `unproven` is whether the state's revision itself is a guess.

        Up to revision `unsure_until` it is, even where later ones are found in the files. The keys
        are `kept` as they are at revision `keep_at`, or here, if that lies before.
        """
        self.truth = truth
        self.member = Member(state)
        self.told = Told(state.revision)
        self.last_guess = state.revision
        """The last revision that may hold more, or others, than is told."""
        self.kept: KeySpace | None = None
        self._keep_at = keep_at
        self._doubted: list[int] = []
        self._doubted_from = 0
        """The entry behind which the first of the doubted revisions was told."""
        self._unlike = 0
        self._guessing = unproven
        self._guesses = int(unproven)
        """How many may have put the numbers of revisions wrong since they were last proven."""
        self._unsure_from = state.revision + 1 if unproven else None
        self._unsure_until = unsure_until
        if unsure_until > state.revision:
            self.told.unsure.append((state.revision + 1, unsure_until))
        """The revision from which on the numbers of revisions are a guess."""
        self.told.proven_index, self.told.proven_revision = state.index, state.revision
        self._keep()

    @property
    def state(self) -> MemberState:
        """Return the state behind the entries that were told."""
        return self.member.state

    def tell(self, entries: Mapping[int, Entry], first: int, last: int) -> None:
        """Tell the entries [first, last]; ends early where `Told.stopped` says why."""
        for index in range(first, last + 1):
            entry = entries[index]
            request = request_of(entry)
            if isinstance(request, Put | DeleteRange | Txn | LeaseRevoke):
                ahead = range(index + 1, min(index + LOOKAHEAD, last) + 1)
                self._tell(request, entry, map(entries.__getitem__, ahead))
                if self.told.stopped is not None:
                    return
            elif request is not None:
                self.member.apply_other(request, entry)
            self.state.index = index

    def confirm(self, revision: int) -> bool:
        """Take note that the state must be at a revision; return whether it is."""
        if revision == self.state.revision:
            self._prove()
            return True
        self.told.stopped = (
            f"behind entry {self.state.index} the log makes revision {self.state.revision}, "
            f"a database stands at {revision}"
        )
        return False

    def finish(self) -> Told:
        """Return what was told; what nothing confirms at the end is believed if nothing stopped."""
        self._keep()
        if self.told.stopped is None:
            if self._unsure_from is not None:
                self.told.unsure.append((self._unsure_from, self.state.revision))
            if self._doubted and not self.state.keys.complete:
                self._leave_open()
            self._believe_pending()
        return self.told

    def _leave_open(self) -> None:
        """Let the files have the last word where nothing shows any more that the log is right."""
        first, doubted = self._doubted[0], set(self._doubted)
        self.told.pending = [
            replace(record, doubtful=record.doubtful or main_of(record.place) >= first)
            for record in self.told.pending
            if main_of(record.place) not in doubted
        ]
        self.told.unsure.append((first, self.state.revision))
        self.told.left_open = (self._doubted_from + 1, self.state.index)
        self._doubted.clear()

    def _prove(self) -> None:
        """Believe what was told up to here: its place in history is confirmed.

        That proves one guess before it. Of several, two wrong ones can make up for each other, and
        what lies between them stays unsure.
        """
        if self._guesses > 1 and self._unsure_from is not None:
            self.told.unsure.append((self._unsure_from, self.state.revision - 1))
        else:
            self.told.pending = [
                record if self._stays_doubtful(record) else replace(record, doubtful=False)
                for record in self.told.pending
            ]
        self._guessing = False
        self._guesses = 0
        self._unsure_from = None
        self._believe_pending()

    def _stays_doubtful(self, record: ToldRecord) -> bool:
        unsure = record.state is not None and not record.state.sure
        return unsure or main_of(record.place) <= self._unsure_until

    def _believe_pending(self) -> None:
        self.told.records += self.told.pending
        self.told.pending.clear()
        self.told.corrected += self._doubted
        self._doubted.clear()
        self._unlike = 0
        self.told.proven_index = self.state.index
        self.told.proven_revision = self.state.revision

    def _tell(self, request: Keyed, entry: Entry, ahead: Iterable[Entry]) -> None:
        outcome = self.member.outcome(request, entry)
        held = self._held(self.state.revision + 1)
        changes, turned_down = outcome.changes, outcome.rejected
        if not held.rows and not held.whole:
            self._believe(changes, outcome, held)
        elif changes and self._agrees(changes, held):
            self._believe(changes, outcome, held)
            self.told.checked += 1
            if self.state.revision in self.truth.disputed:
                self.told.confirmed.add(self.state.revision)
            self._prove()
        elif not changes and not self._made_this(request, outcome, held):
            # Another entry made this revision; where its number is a guess, perhaps the one before.
            self._guesses += bool(self._guesses) and not outcome.certain
        else:
            self._differs(request, outcome, entry, held, ahead)
        if isinstance(request, LeaseRevoke) and not turned_down:
            self.member.apply_other(request, entry)

    def _agrees(self, changes: list[KeyChange], held: Held) -> bool:
        """Return whether predicted changes are what a revision holds, or what is left of it."""
        if held.whole and len(changes) != len(held.rows):
            return False
        return all(self._is_told(changes, each) for each in held.rows)

    def _is_told(self, changes: list[KeyChange], held: HeldRow) -> bool:
        """Return whether a record is the change that was predicted at its place."""
        row, sub, gone, kv = held
        return (
            sub < len(changes)
            and is_change(changes[sub], kv, gone=gone)
            and self._numbers_agree(changes[sub].state, kv, row)
        )

    def _numbers_agree(self, state: KeyState | None, kv: KeyValue, row: int) -> bool:
        """Return whether a record's numbers may be right.

        Ours may be wrong, where neither what they are told from nor the key's next record proves
        them.
        """
        if state is None:
            return True
        ours = (state.create_revision, state.version)
        return ours == (kv.create_revision, kv.version) or not (
            state.proven or (state.sure and self._next_continues(row, state))
        )

    def _next_continues(self, row: int, state: KeyState) -> bool:
        following = self.truth.following(row)
        if following is None or self.truth.settled.records.tombstone[following]:
            return False
        kv = self._content(following)
        return (kv.create_revision, kv.version) == (state.create_revision, state.version + 1)

    def _made_this(self, request: Keyed, outcome: Outcome, held: Held) -> bool:
        """Return whether an entry that should change nothing made these changes all the same."""
        return not outcome.certain and bool(held.rows) and may_have_made(request, held)

    def _differs(
        self,
        request: Keyed,
        outcome: Outcome,
        entry: Entry,
        held: Held,
        ahead: Iterable[Entry],
    ) -> None:
        """Settle what it means that the records of a revision are not what was predicted."""
        if not outcome.certain and held.rows and may_have_made(request, held):
            self._adopt(held)
        elif (outcome.certain or self._deletes_nothing(held)) and self._may_be_damaged(
            outcome, held
        ):
            if not self._doubted:
                self._doubted_from = self.state.index
            self._doubted.append(self.state.revision + 1)
            self._believe(outcome.changes, outcome, Held((), held.whole), corrected=True)
        elif self._may_be_turned_down(outcome, held, ahead):
            # It was turned down, for whatever reason.
            self.told.turned_down += 1
            outcome.rejected = True
        else:
            main = self._doubted[0] if self._doubted else self.state.revision + 1
            self.told.stopped = (
                f"revision {main} is not what entry {entry.index} and those before make"
            )

    def _may_be_turned_down(self, outcome: Outcome, held: Held, ahead: Iterable[Entry]) -> bool:
        """Return whether a later entry made this revision, so that this one made none."""
        if not held.rows or (outcome.certain and self._unsure_from is not None):
            return False
        return any(explains(other, held) for other in ahead)

    def _deletes_nothing(self, held: Held) -> bool:
        """Return whether all that a revision holds are deletions of keys that nothing else names.

        Nobody deletes what was never put: their names must be damaged.
        """
        return bool(held.rows) and all(
            gone and self.truth.is_named_once(row) for row, _, gone, _ in held.rows
        )

    def _may_be_damaged(self, outcome: Outcome, held: Held) -> bool:
        """Return whether damaged bytes of the file can be all that is wrong."""
        unsure_where = self._unsure_from is not None
        if unsure_where or not held.rows or len(self._doubted) >= CORRECTIONS_MAX:
            return False
        if self._several_hold_otherwise(outcome.changes, held):
            return False
        if self._is_another_put(outcome.changes, held):
            return False
        if alike_but_for_damage(outcome.changes, held):
            return True
        # A record may be damaged beyond likeness; where the state is wrong the next ones are, too.
        self._unlike += 1
        return bool(outcome.changes) and self._unlike <= UNLIKE_MAX

    def _several_hold_otherwise(self, changes: list[KeyChange], held: Held) -> bool:
        """Return whether files agree on what was not predicted: no two are damaged alike."""
        alike = self.truth.settled.alike
        return any(alike[each[0]] > 1 and not self._is_told(changes, each) for each in held.rows)

    def _is_another_put(self, changes: list[KeyChange], held: Held) -> bool:
        """Return whether a record is what another entry asks for: damage makes no such thing."""
        main = self.state.revision + 1
        ours = {(c.key, c.state.value) for c in changes if c.state is not None}
        return any(
            (kv.key, kv.value) not in ours
            and kv.mod_revision == main
            and self.truth.is_asked_for(kv)
            for _, _, _, kv in held.rows
        )

    def _believe(
        self, changes: list[KeyChange], outcome: Outcome, held: Held, *, corrected: bool = False
    ) -> None:
        """Make the changes; note those that no file holds."""
        if not outcome.certain and not held.whole:
            self._guess(made_some=bool(changes))
        if not changes:
            return
        main = self.state.revision + 1
        rows = {sub: row for row, sub, _, _ in held.rows}
        settled = [self._from_row(change, rows.get(sub)) for sub, change in enumerate(changes)]
        for sub, change in enumerate(settled):
            place = place_of(main, sub)
            # A deletion that was compacted away tells of an older record that survived by chance.
            wanted = corrected or change.state is None or not self._compacted_away(place)
            if sub not in rows and wanted:
                unsure = change.state is not None and not change.state.sure
                doubtful = unsure or self._guessing or main <= self._unsure_until
                ended = 0 if change.state is not None else self._surely_ended(change.key)
                self.told.pending.append(
                    ToldRecord(place, change.key, change.state, doubtful, ended)
                )
        self._change(settled, [rows.get(sub) for sub in range(len(settled))])

    def _surely_ended(self, key: bytes) -> int:
        """Return the revision of a key's put that an entry surely came behind.

        So it did where an earlier entry told of the put, or where a database that has applied fewer
        entries had reached that revision.
        """
        before = self.state.keys.get(key)
        if before is None:
            return 0
        told = self.state.keys.told(key, before_holes=False) is not None
        reached = self.truth.revision_before(self.state.index + 1)
        return before.mod_revision if told or before.mod_revision <= reached else 0

    def _guess(self, *, made_some: bool) -> None:
        """Note that an entry may have done more than is told of it."""
        main = self.state.revision + 1
        self.told.guessed += 1
        self._guessing = True
        self.last_guess = main
        if made_some:
            self.told.unsure.append((main, main))
        else:
            self._guesses += 1
            if self._unsure_from is None:
                self._unsure_from = main

    def _from_row(self, change: KeyChange, row: int | None) -> KeyChange:
        """Return the change with the numbers that a record has, where ours are not sure."""
        if row is None or change.state is None or change.state.sure:
            return change
        kv = self._content(row)
        state = KeyState(kv.create_revision, kv.mod_revision, kv.version, kv.value, kv.lease)
        return KeyChange(change.key, state)

    def _adopt(self, held: Held) -> None:
        """Take over what a revision holds."""
        changes = [
            KeyChange(
                kv.key,
                None if gone else KeyState(
                    kv.create_revision, kv.mod_revision, kv.version, kv.value, kv.lease
                ),
            )
            for _, _, gone, kv in held.rows
        ]  # fmt: skip  # a put, or a deletion
        self._change(changes, [row for row, _, _, _ in held.rows])
        self.told.checked += 1
        self._prove()

    def _change(self, changes: list[KeyChange], rows: list[int | None]) -> None:
        self._keep()
        self.member.change(changes, rows)

    def _keep(self) -> None:
        if self.kept is None and self._keep_at is not None and self.state.revision >= self._keep_at:
            self.kept = self.state.keys.copy()

    def _held(self, main: int) -> Held:
        records = self.truth.settled.records
        bounds = np.array([place_of(main), place_of(main + 1)], dtype=np.uint64)
        begin, end = np.searchsorted(records.place, bounds).tolist()
        rows = tuple(
            (row, int(records.place[row]) - place_of(main), bool(records.tombstone[row]),
             self._content(row))
            for row in range(begin, end)
        )  # fmt: skip  # one record
        return Held(rows, self.truth.is_known(main))

    def _content(self, row: int) -> KeyValue:
        settled = self.truth.settled
        return KeyValue.decode(value_of(settled.files, settled.records, row))

    def _compacted_away(self, place: int) -> bool:
        return self.truth.is_known_place(place)


class _Blind(Teller):
    """Tells without looking at the files."""

    def _held(self, main: int) -> Held:  # noqa: ARG002  # nothing is held of any revision
        return Held((), whole=False)

    def _compacted_away(self, place: int) -> bool:  # noqa: ARG002  # no record is wanted
        return True


def revisions_made(
    truth: Truth, state: MemberState, entries: Mapping[int, Entry], first: int, last: int
) -> tuple[int, int]:
    """Return how many revisions the entries [first, last] make, as far as the state tells.

    And how many of them up to the last entry that may have made more or fewer.
    """
    teller = _Blind(truth, state.copy())
    teller.tell(entries, first, last)
    made = teller.state.revision - state.revision
    return made, teller.last_guess - state.revision
