"""Logs for the tests: made record by record, or left behind by a real etcd."""

import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from requorum.formats.raftpb import Entry, EntryType, encode_entry
from requorum.formats.source import BufferSource
from requorum.formats.wal import Record, RecordType, Segment, frame, read_segment

DEADLINE_S = 60


@dataclass
class MadeSegment:
    """A segment of our own making; `offsets` has the beginning of each frame, and the end."""

    data: bytearray
    offsets: list[int]
    contents: list[bytes]

    def read(self, *, last: bool = True) -> Segment:
        """Read it as it is now."""
        return read_segment(BufferSource(self.data), last=last)


def make_segment(entries: Sequence[bytes], *, zeros: int = 4096, first_crc: int = 0) -> MadeSegment:
    """Return crc, metadata, then one entry record for each data, then a preallocated tail."""
    encoded = [
        encode_entry(Entry(EntryType.NORMAL, 2, index, data)) for index, data in enumerate(entries)
    ]
    contents = [(RecordType.CRC, None), (RecordType.METADATA, b"\x08\x01\x10\x02")]
    data, offsets, crc = bytearray(), [0], first_crc
    for record_type, content in [*contents, *((RecordType.ENTRY, entry) for entry in encoded)]:
        framed, crc = frame(record_type, content, crc)
        data += framed
        offsets.append(len(data))
    return MadeSegment(data + bytes(zeros), offsets, [b"", b"\x08\x01\x10\x02", *encoded])


def data_start(segment: MadeSegment, number: int) -> int:
    """Return the offset of the data of record `number` in the file."""
    found = segment.data.find(segment.contents[number], segment.offsets[number])
    assert found < segment.offsets[number + 1]
    return found


def contents_of(records: Sequence[Record]) -> list[bytes]:
    """Return the records' data."""
    return [record.data for record in records]


class LoggingEtcd:
    """One member on loopback that cuts a snapshot every eight entries."""

    def __init__(self, binaries: Path, data_dir: Path) -> None:
        self._etcdctl = binaries / "etcdctl"
        self._url = f"http://127.0.0.1:{_free_port()}"
        peer_url = f"http://127.0.0.1:{_free_port()}"
        with (data_dir.parent / "etcd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(binaries / "etcd"),
                    "--name=one",
                    f"--data-dir={data_dir}",
                    "--snapshot-count=8",
                    f"--listen-client-urls={self._url}",
                    f"--advertise-client-urls={self._url}",
                    f"--listen-peer-urls={peer_url}",
                    f"--initial-advertise-peer-urls={peer_url}",
                    f"--initial-cluster=one={peer_url}",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def ready(self) -> bool:
        """Wait until it answers; return False when it has ended instead."""
        deadline = time.monotonic() + DEADLINE_S
        while self._process.poll() is None:
            try:
                self.ctl("endpoint", "health", "--command-timeout=1s", "--dial-timeout=1s")
            except subprocess.CalledProcessError:
                assert time.monotonic() < deadline, "etcd does not answer"
            else:
                return True
        return False

    def ctl(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run etcdctl and return what it printed."""
        command = [str(self._etcdctl), f"--endpoints={self._url}", *arguments]
        done = subprocess.run(
            command, input=stdin, capture_output=True, check=True, timeout=DEADLINE_S
        )
        return done.stdout.decode()

    def end(self) -> None:
        """Stop it in order, so that everything is committed to the db."""
        self._process.terminate()
        self._process.wait(DEADLINE_S)

    def crash(self) -> None:
        """Kill it, as a power cut would end it."""
        self._process.kill()
        self._process.wait(DEADLINE_S)


def write_small_log(binaries: Path, data_dir: Path) -> None:
    """Let an etcd write one of each kind of request, then crash."""
    etcd = LoggingEtcd(binaries, data_dir)
    try:
        assert etcd.ready(), "etcd does not start"
        for number in range(12):
            etcd.ctl("put", f"key{number}", f"value{number}")
        etcd.ctl("del", "key1")
        etcd.ctl("lease", "grant", "100")
        etcd.ctl("compact", "3")
        etcd.ctl("txn", stdin=b'mod("key3") > "1"\n\nput key3 x\nget key4\n\ndel key5\n\n')
        etcd.ctl("role", "add", "reader")
        etcd.ctl("member", "add", "two", "--learner", "--peer-urls=http://127.0.0.1:1")
        etcd.ctl("put", "last", "x" * 3000)
    finally:
        etcd.crash()


def write_cut_log(binaries: Path, data_dir: Path) -> list[Path]:
    """Let an etcd write more than one segment, then crash; return the segments."""
    etcd = LoggingEtcd(binaries, data_dir)
    try:
        assert etcd.ready(), "etcd does not start"
        for number in range(66):
            etcd.ctl("put", f"large{number}", stdin=bytes([65 + number % 26]) * 1_000_000)
    finally:
        etcd.crash()
    return sorted((data_dir / "member" / "wal").glob("*.wal"))


def restarts(binaries: Path, data_dir: Path) -> bool:
    """Return whether etcd serves this data directory; it is stopped again."""
    etcd = LoggingEtcd(binaries, data_dir)
    try:
        return etcd.ready()
    finally:
        etcd.crash()


def copy_of(data_dir: Path, target: Path) -> Path:
    """Copy a data directory; return the copy's last segment."""
    shutil.copytree(data_dir, target)
    return max((target / "member" / "wal").glob("*.wal"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
