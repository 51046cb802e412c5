"""Data directories of real etcd, made once per minor, and copies of them to break and to boot."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from requorum.clients.etcd.client import connect
from requorum.formats.raftpb import decode_entry
from requorum.formats.source import BufferSource
from requorum.formats.wal import Record, RecordType, frame, read_segment, segment_name
from requorum.lab.damage.sparse import copy_tree_sparse
from requorum.lab.layout import Lab
from requorum.lab.loopback import free_ports
from requorum.lab.practice import crash, up, wait_ready
from requorum.ports.etcd import DeleteOp, PutOp

RecordedDirs = Callable[..., "Recorded"]

SEGMENTS = 3
_READY_SECONDS = 30
_PUT_SECONDS = 10
_PUTS = 90
_COMMITTED_SECONDS = 0.25
"""etcd commits to its database every 100 ms; a kill then finds it there."""

_FLAGS = ("--snapshot-count=20", "--heartbeat-interval=20", "--election-timeout=200")
_ZEROS_BEHIND = 64_000


@dataclass(frozen=True)
class Recorded:
    """A killed practice cluster, whose directories are copied for every boot, never used."""

    minor: str
    lab: Lab

    def data_dir(self, name: str = "etcd1") -> Path:
        """Return a member's data directory."""
        return self.lab.data_dir(name)

    def early_database(self, name: str = "etcd1") -> Path:
        """Return a copy of its database from halfway through."""
        return self.lab.directory / name / "early-db"


def record(bin_dir: Path, minor: str, directory: Path, *, members: int) -> Recorded:
    """Boot, write, kill; then cut each log into segments, as etcd does every 64 MB."""
    lab = up(directory, bin_dir=bin_dir, members=members, extra_flags=_FLAGS)
    recorded = Recorded(minor, lab)
    try:
        asyncio.run(_write(recorded))
    finally:
        crash(lab.directory)
    for name in lab.names:
        wal = lab.data_dir(name) / "member" / "wal"
        cut_into_segments(wal)
        for spare in wal.glob("*.tmp"):
            spare.unlink()
    return recorded


async def _write(recorded: Recorded) -> None:
    def client(endpoint: str) -> object:
        return connect(endpoint, tls=None, credentials=None)

    lab = recorded.lab
    await wait_ready(lab, client, deadline=_READY_SECONDS)  # type: ignore[arg-type]
    etcd = connect(lab.client_url(lab.names[0]), tls=None, credentials=None)
    try:
        for number in range(_PUTS):
            if number == _PUTS // 2:
                await asyncio.sleep(_COMMITTED_SECONDS)
                for name in lab.names:
                    database = recorded.data_dir(name) / "member" / "snap" / "db"
                    shutil.copyfile(database, recorded.early_database(name))
            value = b"v%d-" % number * 600
            await etcd.put(PutOp(b"key/%04d" % (number % 60), value), deadline=_PUT_SECONDS)
        await etcd.delete(DeleteOp(b"key/0007"), deadline=_PUT_SECONDS)
        await asyncio.sleep(_COMMITTED_SECONDS)
        await etcd.put(PutOp(b"last", b"1"), deadline=_PUT_SECONDS)
    finally:
        await etcd.close()


def cut_into_segments(wal: Path, count: int = SEGMENTS) -> None:
    """Write the one segment of a log as several, each with the head that etcd gives it."""
    (only,) = sorted(wal.glob("*.wal"))
    records = read_segment(BufferSource(only.read_bytes()), last=True).records
    metadata = next(r.data for r in records if r.type == RecordType.METADATA)
    body = [r for r in records if r.type not in (RecordType.CRC, RecordType.METADATA)]
    only.unlink()
    running, last_index, state = 0, -1, None
    for sequence in range(count):
        part = body[len(body) * sequence // count : len(body) * (sequence + 1) // count]
        head = [(RecordType.CRC, None), (RecordType.METADATA, metadata)]
        if state is not None:
            head.append((RecordType.STATE, state))
        data = bytearray()
        for kind, content in (*head, *((r.type, r.data) for r in part)):
            framed, running = frame(kind, content, running)
            data += framed
        name = segment_name(sequence, last_index + 1)
        last_index, state = _end_of(part, last_index, state)
        data += bytes(_ZEROS_BEHIND) if sequence == count - 1 else b""
        (wal / name).write_bytes(data)


def _end_of(
    part: list[Record], index: int, state: bytes | memoryview | None
) -> tuple[int, bytes | memoryview | None]:
    for record in part:
        if record.type == RecordType.ENTRY:
            index = decode_entry(record.data).index
        elif record.type == RecordType.STATE:
            state = record.data
    return index, state


def copy_for_boot(
    recorded: Recorded, directory: Path, name: str = "etcd1", *, bin_dir: Path | None = None
) -> Lab:
    """Copy one member's directory; return a lab in which it boots on ports of its own."""
    ports = iter(free_ports(2 * len(recorded.lab.names)))
    members = tuple(
        m.model_copy(update={"peer_port": next(ports), "client_port": next(ports)})
        for m in recorded.lab.members
    )
    update = {"directory": directory, "members": members, "bin_dir": bin_dir}
    lab = recorded.lab.model_copy(update={k: v for k, v in update.items() if v is not None})
    lab.data_dir(name).parent.mkdir(parents=True)
    copy_tree_sparse(recorded.data_dir(name), lab.data_dir(name))
    shutil.copyfile(recorded.early_database(name), lab.data_dir(name).parent / "early-db")
    return lab
