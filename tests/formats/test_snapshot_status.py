"""The numbers of `etcdutl snapshot status`, without etcdutl."""

import json
import pickle
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import bbolt_builder
import pytest
from bbolt_builder import Built, bucket_value, inline_bucket, leaf
from crc32c import crc32c
from etcd_data import EtcdDbs
from mvcc_builder import Event, database_of

from requorum.errors import DamagedInput
from requorum.formats.snapshot_file import split_trailer
from requorum.formats.snapshot_numbers import SnapshotStatus
from requorum.formats.snapshot_status import snapshot_status
from requorum.formats.source import BufferSource, Head

EVENTS = [
    Event(2, 0, b"a", b"1"),
    Event(3, 0, b"a", b"2"),
    Event(3, 1, b"b", b""),
    Event(4, 0, b"a", None),
    *(Event(main, 0, b"c%d" % (main % 30), b"x" * 900) for main in range(5, 40)),
]


def test_all_numbers() -> None:
    """Rows of all buckets and keys that exist are counted; the last revision is the newest."""
    source = database_of(EVENTS, compacted=3).source
    rows = b"".join(b"".join(event.record) for event in EVENTS)
    meta = b"meta" + b"finishedCompactRev" + b"\0\0\0\0\0\0\0\3_" + bytes(8)
    assert snapshot_status(source) == SnapshotStatus(
        hash=crc32c(b"key" + rows + meta),
        revision=39,
        total_keys_all_buckets=40,
        total_keys_live=31,
        total_size=source.size,
        storage_version="",
    )


@pytest.mark.parametrize("per_chunk", [1, 8, 1 << 13])
def test_shared_work(per_chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the work done elsewhere gives the same numbers."""

    class Elsewhere(AbstractContextManager["Elsewhere"]):
        def __init__(self, function: Callable[[], object]) -> None:
            self._result = pickle.dumps(function())

        def result(self) -> object:
            return pickle.loads(self._result)  # noqa: S301  # we wrote it

        def __exit__(self, *_: object) -> None:
            return

    source = database_of(EVENTS, compacted=3).source
    alone = snapshot_status(source)
    monkeypatch.setattr("requorum.formats.bbolt.columns.ELEMENTS_PER_CHUNK", per_chunk)
    assert snapshot_status(source, Elsewhere) == alone  # type: ignore[arg-type]


def test_buckets_of_every_form() -> None:
    """Inline, empty and nested buckets: of a nested one only the name counts."""
    nested = inline_bucket([(b"within", b"not hashed")])
    rows = [(b"1", b"one"), (b"2", nested), (b"3", b"three")]
    names = [(b"a", inline_bucket([(b"k", b"v")])), (b"b", inline_bucket([])), (b"c", None)]
    root = leaf(2, [(name, value or bucket_value(3)) for name, value in names], flags=1)
    flags = {b"2": 1}
    pages = {2: root, 3: leaf(3, rows, flags=lambda key: flags.get(key, 0))}
    status = snapshot_status(Built(pages, root=2).source)
    assert status.hash == crc32c(b"a" + b"kv" + b"b" + b"c" + b"1one" + b"2" + b"3three")
    assert status.total_keys_all_buckets == 4
    assert (status.revision, status.total_keys_live) == (0, 0)


@pytest.mark.parametrize(
    ("written", "shown"), [(b"3.6.0", "3.6.0"), (b"03.7.0", "3.7.0"), (b"3.6", ""), (b"x", "")]
)
def test_storage_version(written: bytes, shown: str) -> None:
    """What is no version is shown as none."""
    built = bbolt_builder.build({b"meta": [(b"storageVersion", written)]})
    assert snapshot_status(built.source).storage_version == shown


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        (b"k", b"", "not a revision"),
        (b"\0" * 8 + b"_" + b"\0" * 8 + b"x", b"", "not a revision"),
        (b"\0" * 8 + b"_" + b"\0" * 8, b"\x0a\x7fk", "key cannot be read"),
    ],
)
def test_damaged_records(key: bytes, value: bytes, what: str) -> None:
    """What etcdutl refuses to count is damage with its place."""
    with pytest.raises(DamagedInput, match=f"byte [0-9]+: .*{what}"):
        snapshot_status(bbolt_builder.build({b"key": [(key, value)]}).source)


def test_damaged_pages() -> None:
    """The first page that cannot be followed ends it; no thread is left behind."""
    built = bbolt_builder.build({b"key": [event.record for event in EVENTS]})
    built.pages[5] = bytes(len(built.pages[5]))
    with pytest.raises(DamagedInput, match="page 5, byte 20480: page says that it is page 0"):
        snapshot_status(built.source)


def theirs(binaries: Path, minor: str, path: Path) -> dict[str, object]:
    """Return what the tool of that minor prints."""
    tool = "etcdctl" if minor == "3.4" else "etcdutl"
    done = subprocess.run(
        [str(binaries / tool), "snapshot", "status", str(path), "-w=json"],
        env={"ETCDCTL_API": "3"},
        capture_output=True,
        timeout=60,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.etcd
@pytest.mark.parametrize("kind", ["rich", "empty", "all_deleted"])
def test_equals_the_tool_of_the_same_minor(
    etcd_dbs: EtcdDbs,
    etcd_minor: str,
    etcd_binaries: Callable[[str], Path],
    tmp_path: Path,
    kind: str,
) -> None:
    """Of a db and of a snapshot, each number is what that minor's own tool prints."""
    recorded = etcd_dbs(etcd_minor, kind)
    for data in (recorded.data, recorded.snapshot):
        if not data:
            continue
        path = tmp_path / "db"
        path.write_bytes(data)
        source = BufferSource(data)
        ours = snapshot_status(Head(source, split_trailer(source).db_size))
        live = etcd_minor not in {"3.4", "3.5"}
        expected = {
            "hash": ours.hash,
            "revision": ours.revision,
            "totalKey": ours.total_keys_live if live else ours.total_keys_all_buckets,
            "totalSize": ours.total_size,
        }
        if live:
            expected["version"] = ours.storage_version
        assert theirs(etcd_binaries(etcd_minor), etcd_minor, path) == expected
