"""Which records of a log somebody asks for."""

from dataclasses import dataclass

from requorum.inspection.entry_story import EntryKind, EntryStory, possible_operations
from requorum.inspection.key_choice import KeyChoice
from requorum.inspection.lease_keys import RevokedKeys
from requorum.inspection.wal_listing import (
    Listed,
    ListedCrc,
    ListedEntry,
    ListedMetadata,
    ListedSnapshot,
    ListedState,
    Standing,
)
from requorum.inspection.wal_survey import PlacedDamage, SurveyedSegment

RECORD_KINDS: dict[type[Listed], str] = {
    ListedState: "hard-state",
    ListedSnapshot: "snapshot",
    ListedMetadata: "metadata",
    ListedCrc: "crc",
    PlacedDamage: "damage",
}
"""What `--kind` takes besides the kinds of entries."""

KINDS = (*(str(kind) for kind in EntryKind), *RECORD_KINDS.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class WalFilter:
    """What must hold of a record; everything that is given must. Indexes are inclusive.

    `kinds` also takes a transaction that may carry out such an operation, and for "delete" a
    lease's revocation, which deletes the lease's keys. With `keys` it must be an operation on such
    a key. What stands in a branch that cannot run counts for neither.
    """

    keys: KeyChoice | None = None
    kinds: frozenset[str] = frozenset()
    from_index: int = 0
    to_index: int | None = None
    term: int | None = None
    superseded: bool = False
    all_records: bool = False

    @property
    def asks_for_deletes(self) -> bool:
        """Return whether an entry that deletes something would be shown."""
        return not self.kinds or bool(self.kinds & {EntryKind.DELETE, EntryKind.LEASE_REVOKE})

    @property
    def takes_everything(self) -> bool:
        """Return whether nothing is asked for that an entry may lack."""
        ranges = self.from_index, self.to_index, self.term
        return self.keys is None and not self.kinds and ranges == (0, None, None)

    @property
    def needs_story(self) -> bool:
        """Return whether an entry must be told before it is known whether it is asked for."""
        return self.keys is not None or bool(self.kinds)

    def may_take_from(self, segment: SurveyedSegment) -> bool:
        """Return whether something in the segment may lie in the range of indexes."""
        if segment.first_index is None or segment.last_index is None:
            return True
        begins = self.to_index is None or segment.first_index <= self.to_index + 1
        return begins and self.from_index <= segment.last_index + 1

    def takes_place_of(self, found: ListedEntry) -> bool:
        """Return whether the entry's place is asked for; its content is another question."""
        if found.standing is Standing.SUPERSEDED and not self.superseded:
            return False
        if self.term is not None and found.entry.term != self.term:
            return False
        return self._takes_index(found.entry.index)

    def _takes_index(self, index: int) -> bool:
        return self.from_index <= index and (self.to_index is None or index <= self.to_index)

    def takes_story(self, story: EntryStory, revoked: RevokedKeys | None) -> bool:
        """Return whether the entry's content is asked for; `revoked`: what it may have deleted."""
        if self.keys is not None:
            return self._takes_keys_of(story, revoked, self.keys)
        if not self.kinds or story.kind in self.kinds:
            return True
        if story.kind is EntryKind.LEASE_REVOKE:
            return EntryKind.DELETE in self.kinds
        return any(found.kind in self.kinds for found in possible_operations(story.told))

    def _takes_keys_of(
        self, story: EntryStory, revoked: RevokedKeys | None, keys: KeyChoice
    ) -> bool:
        if story.kind is EntryKind.LEASE_REVOKE:
            return self.asks_for_deletes and revoked is not None and bool(revoked.keys)
        whole = not self.kinds or story.kind in self.kinds
        return any(
            keys.meets(found.operation)
            for found in possible_operations(story.told)
            if whole or found.kind in self.kinds
        )

    def takes_record(self, found: Listed) -> bool:
        """Return whether a record that is no entry is asked for.

        Damage is told wherever nothing was asked for but a range of indexes; the other records
        where all are wanted, or their kind.
        """
        kind = RECORD_KINDS[type(found)]
        if self.kinds or self.keys is not None or self.term is not None:
            wanted = kind in self.kinds
        else:
            wanted = self.all_records or kind == RECORD_KINDS[PlacedDamage]
        return wanted and self._takes_position(found)

    def _takes_position(self, found: Listed) -> bool:
        """Return whether it lies among the entries asked for; damage may hide the one behind it."""
        if isinstance(found, PlacedDamage):
            begins = found.after_index + 1 >= self.from_index
            return begins and (self.to_index is None or found.after_index <= self.to_index)
        return self._takes_index(found.place.after_index)
