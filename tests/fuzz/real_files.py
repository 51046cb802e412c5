"""What real etcd leaves behind, written once per minor, for the damages to be done to.

::

    <minor>/db/{crashed,grown}          databases: after SIGKILL; of some hundred pages
    <minor>/snapshot/{small,grown}      what `etcdctl snapshot save` wrote of them
    <minor>/datadir/{crashed,cut}       member/{snap,wal} after SIGKILL; the same log in segments
"""

import random
import re
import shutil
from pathlib import Path

from resealed import split_log
from wal_data import LoggingEtcd

from requorum.formats.bbolt.meta import read_metas
from requorum.formats.source import BufferSource
from requorum.formats.wal import read_segment, segment_name

KINDS = ("db", "snapshot", "datadir")
_TAIL = 1 << 14
_SEGMENTS = 3


def record(binaries: Path, root: Path, minor: str) -> Path:
    """Let an etcd of that minor write its files below `root`; return their directory."""
    kept, work = root / minor, root / f"work-{minor}"
    for kind in KINDS:
        (kept / kind).mkdir(parents=True)
    work.mkdir()
    data_dir = work / "data"
    _write_a_little(binaries, data_dir, kept)
    _keep_data_dir(data_dir, kept / "datadir" / "crashed")
    _cut_log(kept / "datadir" / "crashed", kept / "datadir" / "cut")
    shutil.copy(kept / "datadir" / "crashed" / "member" / "snap" / "db", kept / "db" / "crashed")
    _write_more(binaries, data_dir, kept)
    _keep_db(data_dir / "member" / "snap" / "db", kept / "db" / "grown")
    shutil.rmtree(work)
    return kept


def _write_a_little(binaries: Path, data_dir: Path, kept: Path) -> None:
    """Write one of each kind of request, save a snapshot, and kill it."""
    etcd = LoggingEtcd(binaries, data_dir)
    try:
        assert etcd.ready(), "etcd does not start"
        for number in range(12):
            etcd.ctl("put", f"/registry/pods/p{number}", f"value{number}")
        lease = re.findall(r"lease ([0-9a-f]+)", etcd.ctl("lease", "grant", "3600"))[0]
        etcd.ctl("put", f"--lease={lease}", "/registry/leased", "1")
        etcd.ctl("put", "/registry/large", "x" * 9000)
        etcd.ctl("put", "/registry/empty", "")
        etcd.ctl("del", "/registry/pods/p1")
        etcd.ctl("txn", stdin=b'mod("k") > "1"\n\nput k x\nget k\n\nput k y\ndel k2\n\n')
        etcd.ctl("user", "add", "reader:secret")
        etcd.ctl("role", "add", "readers")
        etcd.ctl("role", "grant-permission", "readers", "read", "/registry/", "--prefix")
        etcd.ctl("user", "grant-role", "reader", "readers")
        etcd.ctl("compact", "6")
        etcd.ctl("member", "add", "two", "--learner", "--peer-urls=http://127.0.0.1:1")
        etcd.ctl("snapshot", "save", str(kept / "snapshot" / "small"))
        etcd.ctl("put", "/registry/last", "z" * 3000)
    finally:
        etcd.crash()


def _write_more(binaries: Path, data_dir: Path, kept: Path) -> None:
    """Write enough for a tree of three levels, free some pages of it, and end it in order."""
    etcd = LoggingEtcd(binaries, data_dir)
    try:
        assert etcd.ready(), "etcd does not start again"
        for begin in range(0, 1200, 100):
            puts = [
                f"put /registry/pods/p{n:05} {f'{n}-' * 150}\n" for n in range(begin, begin + 100)
            ]
            etcd.ctl("txn", stdin=("\n" + "".join(puts) + "\n\n").encode())
        etcd.ctl("del", "--prefix", "/registry/pods/p000")
        etcd.ctl("compact", "20", "--physical")
        etcd.ctl("put", "/registry/last", "again")
        etcd.ctl("snapshot", "save", str(kept / "snapshot" / "grown"))
        etcd.end()
    finally:
        etcd.crash()


def _keep_data_dir(data_dir: Path, target: Path) -> None:
    """Copy what etcd reads at start; of what it allocated and did not use yet only some."""
    snap, wal = (target / "member" / folder for folder in ("snap", "wal"))
    snap.mkdir(parents=True)
    wal.mkdir()
    for file in (data_dir / "member" / "snap").glob("*.snap"):
        shutil.copy(file, snap / file.name)
    _keep_db(data_dir / "member" / "snap" / "db", snap / "db")
    for segment in (data_dir / "member" / "wal").glob("*.wal"):
        data = segment.read_bytes()
        end = read_segment(BufferSource(data), last=True).end_offset
        (wal / segment.name).write_bytes(data[:end] + bytes(_TAIL))


def _keep_db(db: Path, target: Path) -> None:
    """Copy the pages in use and a few behind them, of the 16 MiB that etcd allocates at once."""
    data = db.read_bytes()
    target.write_bytes(data[: read_metas(BufferSource(data)).current.logical_size + _TAIL])


def _cut_log(source: Path, target: Path) -> None:
    """Copy a data directory with its log cut into segments: real ones have 64 MB each."""
    shutil.copytree(source, target)
    wal = target / "member" / "wal"
    whole = max(wal.iterdir())
    data = whole.read_bytes()
    whole.unlink()
    for number, (index, part) in enumerate(split_log(data, random.Random(1), _SEGMENTS)):
        (wal / segment_name(number, index)).write_bytes(part)
