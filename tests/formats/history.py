"""Random histories of a store, as a real etcd would keep them: with gaps where it compacted."""

from dataclasses import dataclass, field
from random import Random

from requorum.formats.mvcc import KeyValue, Revision

Event = tuple[Revision, KeyValue, bool]
"""Revision, key-value, and whether it is a deletion."""


@dataclass
class History:
    """What happened. `alive` is the state after the last event."""

    events: list[Event] = field(default_factory=list)
    alive: dict[bytes, KeyValue] = field(default_factory=dict)
    revision: int = 1

    def write(self, random: Random, *, keys: int, leases: tuple[int, ...]) -> None:
        """Apply one transaction of up to three changes to different keys."""
        self.revision += 1
        chosen = random.sample(range(keys), random.choice([1, 1, 1, 2, 3]))
        for sub, number in enumerate(chosen):
            key, at = b"/registry/thing-%05d" % number, Revision(self.revision, sub)
            if key in self.alive and random.random() < 0.25:
                del self.alive[key]
                self.events.append((at, KeyValue(key), True))
            else:
                self._put(key, at, random.randbytes(random.choice([0, 9, 60, 900])), random, leases)

    def _put(
        self, key: bytes, at: Revision, value: bytes, random: Random, leases: tuple[int, ...]
    ) -> None:
        before = self.alive.get(key)
        created = at.main if before is None else before.create_revision
        version = 1 if before is None else before.version + 1
        lease = random.choice(leases) if random.random() < 0.1 else 0
        self.alive[key] = KeyValue(key, created, at.main, version, value, lease)
        self.events.append((at, self.alive[key], False))

    def compacted(self, main: int) -> list[Event]:
        """Return what a compaction at a revision leaves."""
        last = {kv.key: at for at, kv, _ in self.events if at.main <= main}
        return [
            (at, kv, deleted)
            for at, kv, deleted in self.events
            if at.main > main or (last[kv.key] == at and not deleted)
        ]

    def puts_at(self, main: int) -> bool:
        """Return whether nothing was deleted at a revision."""
        return not any(deleted for at, _, deleted in self.events if at.main == main)


def random_history(
    random: Random, *, revisions: int, keys: int, leases: tuple[int, ...]
) -> History:
    """Return a history of so many revisions over so many keys."""
    history = History()
    for _ in range(revisions):
        history.write(random, keys=keys, leases=leases)
    return history
