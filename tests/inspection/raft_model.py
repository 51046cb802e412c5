"""A small, honest Raft: it writes real WAL records, and knows what was committed.

No time and no messages in flight: an action is an election, an append, a replication to some
followers, a snapshot. What is on a member's disk is only what Raft had written there. An index
counts as acknowledged as soon as any leader has committed it.
"""

from dataclasses import dataclass, field
from random import Random

from requorum.formats.raftpb import Entry, EntryType, HardState, encode_entry, encode_hard_state
from requorum.formats.wal import RecordType
from requorum.formats.wire import field_bytes, field_varint

WalRecord = tuple[RecordType, bytes]


@dataclass(frozen=True)
class Moment:
    """What a copy taken at some moment holds: so many WAL records, and a database."""

    records: int
    applied: int
    snapshots: int


@dataclass
class Node:
    """One voter: its memory, and the records on its disk in the order written.

    `log` holds the entries behind `base`, the (index, term) of a snapshot from a leader.
    """

    name: str
    number: int
    term: int = 0
    vote: int = 0
    commit: int = 0
    applied: int = 0
    base: tuple[int, int] = (0, 0)
    log: dict[int, Entry] = field(default_factory=dict)
    records: list[WalRecord] = field(default_factory=list)
    snapshots: list[tuple[int, int]] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)

    @property
    def last(self) -> int:
        """Return the index of its last entry."""
        return max(self.log, default=self.base[0])

    @property
    def position(self) -> tuple[int, int]:
        """Return (last term, last index)."""
        return (self.term_at(self.last) or 0, self.last)

    def term_at(self, index: int) -> int | None:
        """Return the term at `index`, None where it has no entry."""
        if index == self.base[0]:
            return self.base[1]
        return self.log[index].term if index in self.log else None

    def append(self, entry: Entry) -> None:
        """Write an entry; a different one at its index goes, with all behind it."""
        known = self.log.get(entry.index)
        if known is not None and known.term == entry.term:
            return
        self.log = {i: e for i, e in self.log.items() if i < entry.index}
        self.log[entry.index] = entry
        self.records.append((RecordType.ENTRY, encode_entry(entry)))

    def write_state(self) -> None:
        """Write the hard state down."""
        state = HardState(self.term, self.vote, self.commit)
        self.records.append((RecordType.STATE, encode_hard_state(state)))

    def write_snapshot(self, index: int, term: int) -> None:
        """Write the mark of a snapshot, as etcd does for its own and for a leader's."""
        mark = field_varint(1, index) + field_varint(2, term)
        self.records.append((RecordType.SNAPSHOT, mark))
        self.snapshots.append((index, term))


@dataclass
class Leadership:
    """A voter that was elected in a term; `matched` is how far each voter agrees with it."""

    node: Node
    term: int
    matched: dict[int, int] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Return whether it knows of a later term; until then it goes on, perhaps cut off."""
        return self.node.term != self.term


class RaftModel:
    """`size` voters and what happens to them. `committed` is what no recovery may lose."""

    def __init__(self, size: int, random: Random) -> None:
        self.random = random
        self.nodes = [Node(f"etcd{n}", n) for n in range(1, size + 1)]
        self.quorum = size // 2 + 1
        self.leaders: list[Leadership] = []
        self.committed: dict[int, Entry] = {}
        self.revisions: dict[int, int] = {}
        self.values = 0

    def run(self, steps: int) -> None:
        """Let so many random things happen, an election first."""
        actions = [self.propose, self.replicate, self.persist_commit, self.apply]
        rare = [self.elect, self.keep_snapshot, self.send_snapshot]
        while not self.leaders:
            self.elect()
        for _ in range(steps):
            if self.random.random() < 0.15:
                self.random.choice(rare)()
            else:
                self.random.choices(actions, [4, 8, 2, 3])[0]()
            for node in self.nodes:
                node.moments.append(Moment(len(node.records), node.applied, len(node.snapshots)))

    def elect(self) -> None:
        """Let a random voter campaign among a random part of the others."""
        candidate = self.random.choice(self.nodes)
        term = candidate.term + 1
        others = [n for n in self.nodes if n is not candidate]
        reached = self.random.sample(others, self.random.randint(0, len(others)))
        granted = [n for n in reached if n.term < term and n.position <= candidate.position]
        for node in (candidate, *reached):
            if node.term < term:
                node.term = term
                node.vote = candidate.number if node in (candidate, *granted) else 0
                node.write_state()
        if len(granted) + 1 >= self.quorum:
            leader = Leadership(candidate, term)
            self.leaders.append(leader)
            self._write(leader, b"")

    def _any_leader(self) -> Leadership | None:
        self.leaders = [leader for leader in self.leaders if not leader.ended]
        return self.random.choice(self.leaders) if self.leaders else None

    def propose(self) -> None:
        """Let a leader write some puts into its own log."""
        leader = self._any_leader()
        for _ in range(self.random.randint(1, 3)):
            if leader is not None:
                self.values += 1
                put = field_bytes(1, b"k") + field_bytes(2, b"value-%d" % self.values)
                self._write(leader, field_bytes(4, put))

    def _write(self, leader: Leadership, data: bytes) -> None:
        node = leader.node
        node.append(Entry(EntryType.NORMAL, leader.term, node.last + 1, data))
        leader.matched[node.number] = node.last
        self._advance_commit(leader)

    def replicate(self) -> None:
        """Let a leader send some of its log to a random part of the others."""
        leader = self._any_leader()
        for node in self.nodes:
            if leader is None or node is leader.node or node.term > leader.term:
                continue
            if self.random.random() < 0.5:
                self._send(leader, node)

    def _send(self, leader: Leadership, node: Node) -> None:
        source = leader.node
        self._follow(leader, node)
        agreed = min(source.last, node.last)
        while agreed > node.base[0] and source.term_at(agreed) != node.term_at(agreed):
            agreed -= 1
        if source.term_at(agreed) is None:
            return
        upto = self.random.randint(agreed, source.last)
        for index in range(agreed + 1, upto + 1):
            node.append(source.log[index])
        leader.matched[node.number] = max(upto, leader.matched.get(node.number, 0))
        known = min(source.commit, upto)
        if known > node.commit:
            node.commit = known
            if self.random.random() < 0.5:
                node.write_state()
        self._advance_commit(leader)

    def _follow(self, leader: Leadership, node: Node) -> None:
        if node.term < leader.term:
            node.term, node.vote = leader.term, 0
            node.write_state()

    def _advance_commit(self, leader: Leadership) -> None:
        """Commit what a quorum holds, if the last of it is of the leader's own term."""
        node = leader.node
        reached = sorted(leader.matched.values(), reverse=True)
        index = reached[self.quorum - 1] if len(reached) >= self.quorum else 0
        if index > node.commit and node.term_at(index) == leader.term:
            node.commit = index
            for place in range(len(self.committed) + 1, index + 1):
                self._commit(node.log[place])

    def _commit(self, entry: Entry) -> None:
        before = self.revisions.get(entry.index - 1, 1)
        self.revisions[entry.index] = before + (1 if entry.data else 0)
        self.committed[entry.index] = entry

    def persist_commit(self) -> None:
        """Let a random voter write down what it knows to be committed."""
        self.random.choice(self.nodes).write_state()

    def apply(self) -> None:
        """Let a random voter commit its database at some index that it knows committed."""
        node = self.random.choice(self.nodes)
        node.applied = self.random.randint(node.applied, max(node.applied, node.commit))

    def keep_snapshot(self) -> None:
        """Let a random voter take a snapshot of its own."""
        node = self.random.choice(self.nodes)
        term = node.term_at(node.applied)
        if node.applied and term is not None:
            node.write_state()
            node.write_snapshot(node.applied, term)

    def send_snapshot(self) -> None:
        """Let a leader bring a follower up with a snapshot in place of its log."""
        leader = self._any_leader()
        node = self.random.choice(self.nodes)
        if leader is None or node is leader.node or node.term > leader.term:
            return
        index = leader.node.applied
        term = leader.node.term_at(index)
        if index <= node.commit or term is None or node.term_at(index) == term:
            return
        self._follow(leader, node)
        node.base, node.log = (index, term), {}
        node.commit = node.applied = index
        node.write_snapshot(index, term)
        node.write_state()
        leader.matched[node.number] = index
