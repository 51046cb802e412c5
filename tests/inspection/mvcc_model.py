"""A small MVCC store: requests in, log entries and the database's revisions out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from requorum.formats.raftpb import Entry, EntryType
from requorum.formats.wire import field_bytes, field_varint
from requorum.inspection.alignment import Change, RevisionChanges

KEYS = [b"a", b"b", b"c", b"d"]


def put_of(key: bytes, value: bytes, *, lease: int = 0, ignore_value: bool = False) -> bytes:
    """Return a PutRequest."""
    request = field_bytes(1, key) + field_bytes(2, value)
    request += field_varint(3, lease) if lease else b""
    return request + (field_varint(5, 1) if ignore_value else b"")


def delete_of(key: bytes, range_end: bytes = b"") -> bytes:
    """Return a DeleteRangeRequest."""
    return field_bytes(1, key) + (field_bytes(2, range_end) if range_end else b"")


def txn_of(compare: bytes, success: Sequence[bytes], failure: Sequence[bytes]) -> bytes:
    """Return a TxnRequest of RequestOps."""
    branches = b"".join(field_bytes(2, op) for op in success)
    return compare + branches + b"".join(field_bytes(3, op) for op in failure)


@dataclass
class MvccModel:
    """The store. Each request is applied at once, and becomes an entry of the log."""

    log: list[Entry] = field(default_factory=list)
    revisions: list[RevisionChanges] = field(default_factory=list)
    values: dict[bytes, bytes] = field(default_factory=dict)
    leases: dict[bytes, int] = field(default_factory=dict)
    pending: list[Change] = field(default_factory=list)
    certain: dict[int, int] = field(default_factory=dict)
    """Index of an entry that must be a revision, whatever the state was -> place in `revisions`."""
    unique: int = 0

    @property
    def revision(self) -> int:
        """Return the current revision."""
        return len(self.revisions) + 1

    @property
    def backwards(self) -> list[Entry]:
        """Return the log, newest first."""
        return self.log[::-1]

    def new_value(self) -> bytes:
        """Return a value that no other put has."""
        self.unique += 1
        return b"value-%d" % self.unique

    def entry(self, number: int, request: bytes, *, certain: bool = False) -> None:
        """Write the entry, and a revision if the request changed anything."""
        data = field_bytes(number, request) + field_bytes(100, field_varint(1, 7))
        self.log.append(Entry(EntryType.NORMAL, 2, len(self.log) + 1, data))
        if certain:
            self.certain[len(self.log)] = len(self.revisions)
        if self.pending:
            self.revisions.append(RevisionChanges(self.revision + 1, tuple(self.pending)))
            self.pending = []

    def set(self, key: bytes, value: bytes, lease: int = 0) -> None:
        """Change a key, as part of the entry that follows."""
        self.values[key], self.leases[key] = value, lease
        self.pending.append(Change(key, value))

    def unset(self, keys: Sequence[bytes]) -> None:
        """Delete those keys that there are, as part of the entry that follows."""
        for key in sorted(k for k in keys if k in self.values):
            del self.values[key], self.leases[key]
            self.pending.append(Change(key, None))

    def put(self, key: bytes, value: bytes, lease: int = 0) -> None:
        """Put; with a lease it counts as one that may have been refused."""
        self.set(key, value, lease)
        self.entry(4, put_of(key, value, lease=lease), certain=not lease)

    def put_ignoring_value(self, key: bytes) -> None:
        """Put with ignore_value: refused where there is no such key."""
        if key in self.values:
            self.set(key, self.values[key])
        self.entry(4, put_of(key, b"", ignore_value=True))

    def delete(self, key: bytes, range_end: bytes = b"") -> None:
        """Delete one key, or a range."""
        keys = [k for k in KEYS if key <= k < range_end] if range_end else [key]
        self.unset(keys)
        self.entry(5, delete_of(key, range_end))

    def revoke(self, lease: int) -> None:
        """Revoke a lease and with it its keys."""
        self.unset([k for k, held in self.leases.items() if held == lease])
        self.entry(9, field_varint(1, lease))

    def txn(self, random: Random) -> None:
        """Run a transaction that may put, delete, nest another one, or do nothing."""
        key = random.choice(KEYS)
        compare = field_varint(2, 3) + field_bytes(3, key)
        wanted = self.values.get(key, b"") if random.random() < 0.5 else b"no such value"
        holds = self.values.get(key, b"") == wanted
        compare += field_bytes(7, wanted)
        success = self._branch(random, taken=holds, depth=1)
        failure = self._branch(random, taken=not holds, depth=1)
        self.entry(6, txn_of(field_bytes(1, compare), success, failure))

    def _branch(self, random: Random, *, taken: bool, depth: int) -> list[bytes]:
        keys = random.sample(KEYS, random.randint(0, 3))
        return [self._operation(random, key, taken=taken, depth=depth) for key in keys]

    def _operation(self, random: Random, key: bytes, *, taken: bool, depth: int) -> bytes:
        kind = random.choice(["put", "put", "delete", "range", "txn"])
        if kind == "put":
            value = self.new_value()
            if taken:
                self.set(key, value)
            return field_bytes(2, put_of(key, value))
        if kind == "delete":
            if taken:
                self.unset([key])
            return field_bytes(3, delete_of(key))
        if kind == "txn" and depth < 3:
            # Only the nested failure branch is ever asked for: its comparison cannot hold.
            never = field_bytes(1, field_varint(2, 3) + field_bytes(3, b"z") + field_bytes(7, b"!"))
            value = self.new_value()
            if taken:
                self.set(key, value)
            nested = txn_of(
                never, [field_bytes(2, put_of(b"z", b"!"))], [field_bytes(2, put_of(key, value))]
            )
            return field_bytes(4, nested)
        return field_bytes(1, field_bytes(1, key))

    def run(self, random: Random, steps: int, *, ambiguous: bool) -> None:
        """Do so many random things; puts that keep the value make revisions that look alike."""
        for _ in range(steps):
            key, lease = random.choice(KEYS), random.randint(1, 2)
            match random.randrange(9):
                case 0 | 1 | 2:
                    self.put(key, self.new_value())
                case 3:
                    self.put(key, self.new_value(), lease)
                case 4 if ambiguous:
                    self.put_ignoring_value(key)
                case 4 | 5:
                    self.delete(key, random.choice([b"", b"d", b"e"]))
                case 6:
                    self.revoke(lease)
                case 7:
                    self.txn(random)
                case _:
                    self.entry(8, field_varint(1, 60) + field_varint(2, lease))
