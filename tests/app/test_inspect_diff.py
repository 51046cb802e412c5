"""The use case of `inspect diff`, on small files and through a source that is far away."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from store_model import Store
from wal_data import make_segment

from requorum.app.inspect.diff.inspect_diff import compared
from requorum.app.inspect.diff.results import DiffResult
from requorum.clients.hosts.local import LocalHost
from requorum.errors import DamagedInput
from requorum.formats.source import BufferSource, Source
from requorum.inspection.difference.compare import Wishes
from requorum.ports.host import Host


async def diff(
    a: Path,
    b: Path,
    *,
    values: bool = False,
    host: Host | None = None,
    wishes: Wishes | None = None,
) -> DiffResult:
    """Compare two places."""
    stages: list[str] = []
    wishes = wishes or Wishes()
    async with compared(
        str(a), str(b), wishes, values=values, on_stage=stages.append, host=host
    ) as found:
        assert stages
        return found.whole()


def saved(path: Path, store: Store) -> Path:
    """Write a snapshot file, with its trailer."""
    data = store.file()
    path.write_bytes(data + hashlib.sha256(data).digest())
    return path


@pytest.fixture
def monday() -> Store:
    """Return a store with some of Kubernetes' keys and some others."""
    store = Store(members=(10, 11))
    for name in ("web-1", "web-2"):
        store.put(f"/registry/pods/default/{name}".encode(), b"k8s\0pod")
    store.put(b"/app/config", b'{"size": 1, "colour": "red"}')
    return store.put(b"\xff\x00raw", b"\x00")


async def test_what_is_returned(tmp_path: Path, monday: Store) -> None:
    """Keys with what they are, counts by prefix, resource and namespace, both sides."""
    tuesday = monday.fork().delete(b"/registry/pods/default/web-1").put(b"/app/config", b"{}")
    tuesday.put(b"\xff\x00raw", b"\x01").put(b"/app/lease", b"", lease=0x1234)
    found = await diff(saved(tmp_path / "a", monday), saved(tmp_path / "b", tuesday))
    assert found.outcome == "different"
    assert [(k.key, k.key_base64, k.kind) for k in found.keys] == [
        ("/app/config", None, "changed"),
        ("/app/lease", None, "added"),
        ("/registry/pods/default/web-1", None, "removed"),
        (None, "/wByYXc=", "changed"),
    ]
    pod = found.keys[2]
    assert pod.object is not None
    assert (pod.object.resource, pod.object.namespace, pod.object.name) == (
        "pods",
        "default",
        "web-1",
    )
    assert pod.b is None
    assert found.keys[1].b is not None
    assert found.keys[1].b.lease == "1234"
    assert [(p.prefix, p.counts.changed) for p in found.prefixes] == [
        ("", 1),
        ("/app/", 1),
        ("/registry/pods/", 0),
    ]
    assert [(r.resource, r.counts.removed) for r in found.resources] == [("pods", 1)]
    assert [(n.namespace, n.counts.removed) for n in found.namespaces] == [("default", 1)]
    assert (found.a.kind, found.a.trailer, found.a.members) == ("snapshot", "matches", ("a", "b"))
    assert (found.histories.relation, found.histories.ahead_by) == ("b-ahead", 4)
    assert found.keys_complete
    assert found.notes == ()


async def test_values_only_when_they_are_wished(tmp_path: Path, monday: Store) -> None:
    """Without the wish no value leaves the file; with it text is shown, the rest is hashed."""
    tuesday = monday.fork().put(b"/app/config", b"{}").put(b"\xff\x00raw", b"\x01")
    a, b = saved(tmp_path / "a", monday), saved(tmp_path / "b", tuesday)
    hidden = (await diff(a, b)).model_dump_json()
    assert "colour" not in hidden
    assert "sha256" not in hidden
    text, raw = (await diff(a, b, values=True)).keys
    assert text.a is not None
    assert raw.b is not None
    assert text.a.value is not None
    assert raw.b.value is not None
    assert "colour" in str(text.a.value.text)
    assert raw.b.value.text is None
    assert raw.b.value.sha256 == hashlib.sha256(b"\x01").hexdigest()


async def test_a_file_and_itself(tmp_path: Path, monday: Store) -> None:
    """The same file twice is the same."""
    file = saved(tmp_path / "a", monday)
    assert (await diff(file, file)).outcome == "same"


async def test_an_altered_file_proves_nothing(tmp_path: Path, monday: Store) -> None:
    """A snapshot whose SHA-256 differs is no proof, even where every key is the same."""
    a, b = saved(tmp_path / "a", monday), saved(tmp_path / "b", monday)
    b.write_bytes(b.read_bytes()[:-1] + b"!")
    found = await diff(a, b)
    assert found.outcome == "unproven"
    assert any("SHA-256 of B" in note for note in found.notes)


async def test_damage_names_the_file(tmp_path: Path, monday: Store) -> None:
    """Where nothing useful can be read the error says of which file, and what is left to try."""
    a, b = saved(tmp_path / "a", monday), tmp_path / "damaged.db"
    data = bytearray(monday.file())
    data[2 * 4096 : 3 * 4096] = bytes(4096)
    b.write_bytes(data)
    with pytest.raises(DamagedInput, match=r"damaged\.db: ") as refused:
        await diff(a, b)
    assert "salvage" in str(refused.value.hint)


async def test_the_log_behind_a_database(tmp_path: Path, monday: Store) -> None:
    """Entries that a data directory's log holds beyond its db are counted: lag is no loss."""
    data_dir = tmp_path / "data"
    (data_dir / "member" / "snap").mkdir(parents=True)
    (data_dir / "member" / "wal").mkdir()
    (data_dir / "member" / "snap" / "db").write_bytes(monday.file())
    applied = monday.revision + 10
    wal = data_dir / "member" / "wal" / f"{0:016x}-{0:016x}.wal"
    wal.write_bytes(make_segment([b""] * (applied + 4)).data)
    found = await diff(data_dir, saved(tmp_path / "b", monday))
    assert found.a.kind == "data-directory"
    assert found.a.wal is not None
    assert (found.a.wal.entries, found.a.wal.first_index, found.a.wal.last_index) == (
        3,
        applied + 1,
        applied + 3,
    )
    assert any("not lost" in note for note in found.notes)
    assert found.b.wal is None


class CountingSource:
    """A file that is far away: each read is a copy, and is counted."""

    def __init__(self, data: bytes, reads: list[int]) -> None:
        self._source = BufferSource(data)
        self._reads = reads

    @property
    def size(self) -> int:
        """Return the number of bytes."""
        return self._source.size

    def read(self, offset: int, length: int) -> memoryview:
        """Return a copy of the bytes."""
        self._reads.append(length)
        return memoryview(bytes(self._source.read(offset, length)))


class FarHost(LocalHost):
    """A host whose files are no mappings."""

    def __init__(self) -> None:
        super().__init__("far")
        self.reads: list[int] = []

    @asynccontextmanager
    async def open(self, path: str) -> AsyncIterator[Source]:  # type: ignore[override]
        """Open a file as a counting source."""
        data = await asyncio.to_thread(Path(path).read_bytes)
        yield CountingSource(data, self.reads)


async def test_a_source_that_is_no_mapping(tmp_path: Path, monday: Store) -> None:
    """All bytes come through `Host.open`: the result is that of local files."""
    tuesday = monday.fork().put(b"/new")
    a, b = saved(tmp_path / "a", monday), saved(tmp_path / "b", tuesday)
    host = FarHost()
    assert await diff(a, b, host=host) == await diff(a, b)
    assert host.reads


async def test_members_that_are_not_the_same(tmp_path: Path, monday: Store) -> None:
    """Two clusters' databases are told apart by the members they list."""
    other = monday.fork()
    other.members = (12,)
    found = await diff(saved(tmp_path / "a", monday), saved(tmp_path / "b", other))
    assert found.outcome == "same"
    assert any("different clusters" in note for note in found.notes)
