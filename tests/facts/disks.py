"""Data directories made of bytes, a reach to them without any etcd, and doubles of what lives."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import bbolt_builder
import made
import raft_disks
import test_snap
from mvcc_builder import Event

from requorum.clients.hosts.local import LocalHost
from requorum.domain.cluster import Cluster, CommandService, MemberSpec
from requorum.errors import Unreachable
from requorum.facts.survey import Reach
from requorum.formats.raftpb import HardState, encode_entry, encode_hard_state
from requorum.formats.wal import RecordType
from requorum.ports.etcd import Etcd

SERVICE = CommandService(start=("start",), stop=("stop",), status=("status",))


@dataclass
class Service:
    """A member's service that does nothing; `up` is what it says of itself."""

    up: bool = False

    async def running(self) -> bool:
        """Return what it was told to say."""
        return self.up

    async def start(self) -> None:
        """Start nothing."""

    async def stop(self) -> None:
        """Stop nothing."""


def nobody_answers(endpoint: str) -> Etcd:
    """Return a client of an endpoint where nothing listens."""

    class Silent:
        async def status(self, *, deadline: float) -> None:
            raise Unreachable(f"{endpoint}: connection refused within {deadline} s")

        async def close(self) -> None:
            """Nothing is open."""

    return Silent()  # type: ignore[return-value]


@dataclass
class Disks:
    """Three members' directories below one folder."""

    folder: Path
    names: Sequence[str] = ("etcd1", "etcd2", "etcd3")
    running: Sequence[str] = field(default=())

    @property
    def cluster(self) -> Cluster:
        """Return the cluster file's view."""
        return Cluster(name="prod", members=tuple(self.spec(n) for n in self.names))

    @property
    def reach(self) -> Reach:
        """Return how they are reached: all on this machine."""
        return Reach(
            hosts={n: LocalHost() for n in self.names},
            services={n: Service(up=n in self.running) for n in self.names},
            connect=nobody_answers,
        )

    def spec(self, name: str) -> MemberSpec:
        """Return one member's entry."""
        return MemberSpec(
            name=name,
            host="local",
            peer_url=f"http://{name}:2380",
            client_url=f"http://{name}:2379",
            data_dir=str(self.folder / name),
            service=SERVICE,
        )

    def write(
        self,
        name: str,
        terms: str,
        *,
        applied: int,
        commit: int,
        cuts: Sequence[int] = (),
        cluster_id: int = raft_disks.CLUSTER_ID,
    ) -> None:
        """Write a directory with a log of these terms and a db at an index.

        Each entry is the put that `made.put_entry` makes.
        """
        inside = self.folder / name / "member"
        (inside / "wal").mkdir(parents=True)
        (inside / "snap").mkdir()
        entries = made.entries_of(terms)
        records = [(RecordType.ENTRY, encode_entry(e)) for e in entries.values()]
        state = HardState(entries[max(entries)].term, 0, commit)
        records.append((RecordType.STATE, encode_hard_state(state)))
        for file in raft_disks.segments_of(records, int(name[-1]), cuts, cluster_id=cluster_id):
            (inside / "wal" / file.name).write_bytes(file.data)
        events = [
            Event(i + 1, 0, b"k", b"%d.%d" % (i, entries[i].term)) for i in range(1, applied + 1)
        ]
        (inside / "snap" / "db").write_bytes(_database(events, applied))

    def write_snap(self, name: str, data: bytes = b"") -> None:
        """Write a .snap file at index 900: a sound one unless given other bytes."""
        sound = test_snap.snap_file(test_snap.store(test_snap.CLUSTER))
        path = self.folder / name / "member" / "snap" / f"{3:016x}-{900:016x}.snap"
        path.write_bytes(data or sound)

    def wal(self, name: str) -> list[Path]:
        """Return its segments in order."""
        return sorted((self.folder / name / "member" / "wal").iterdir())

    def db(self, name: str) -> Path:
        """Return its database."""
        return self.folder / name / "member" / "snap" / "db"


def _database(events: Sequence[Event], index: int) -> bytes:
    meta = {b"consistent_index": index.to_bytes(8, "big")}
    records = [e.record for e in events]
    return bbolt_builder.build({b"key": records, b"meta": meta.items()}).data
