"""`salvage` as a function: what several damaged files prove together, and what it never does."""

import asyncio
import hashlib
from pathlib import Path

import pytest
from store_model import Store

from requorum.app.salvage.results import SalvageResult
from requorum.app.salvage.salvage import salvage
from requorum.clients.hosts.local_source import FileSource
from requorum.errors import DamagedInput, Refused, RequorumError, UsageError
from requorum.formats.bbolt.bucket import Database
from requorum.formats.mvcc import KeyValue
from requorum.formats.records import scan_all
from requorum.inspection.file_verdict import judge_file

PAGE = 4096
STORE = Store()
for each in range(200):
    STORE.put(b"key/%03d" % (each % 40), b"value %d" % each * 20)
HISTORY = {r.at.main: (r.kv.key, r.kv.value) for r in STORE.records}


def db_bytes() -> bytearray:
    """Return a db file that holds the history."""
    return bytearray(STORE.file())


def page_of(data: bytes, key: bytes) -> int:
    """Return the number of the page that holds these bytes."""
    return data.index(key) // PAGE


def run(*paths: Path, output: Path | None = None) -> SalvageResult:
    """Salvage files."""
    names = [str(path) for path in paths]
    return asyncio.run(salvage(names, (), None if output is None else str(output)))


def records_of(path: Path) -> dict[int, tuple[bytes, bytes]]:
    """Return revision -> (key, value) of a db file."""
    source = FileSource(str(path))
    records = scan_all(Database(source))
    found = {}
    for row, main in enumerate(records.main.tolist()):
        at, size = int(records.value_offset[row]), int(records.value_size[row])
        kv = KeyValue.decode(source.read(at, size))
        found[main] = kv.key, kv.value
    source.close()
    return found


def written(directory: Path, name: str, data: bytes) -> Path:
    """Write a file and return its path."""
    path = directory / name
    path.write_bytes(data)
    return path


def test_one_file_fills_what_the_other_lost(tmp_path: Path) -> None:
    """Each copy lost another page; together they hold everything, and the result is sound."""
    first, second = db_bytes(), db_bytes()
    for data, main in ((first, 20), (second, 150)):
        page = page_of(data, main.to_bytes(8, "big") + b"_")
        data[page * PAGE : (page + 1) * PAGE] = bytes(PAGE)
    output = tmp_path / "saved.db"
    result = run(written(tmp_path, "a", first), written(tmp_path, "b", second), output=output)
    assert (result.lost_count, result.doubtful_count, result.conflict_count) == (0, 0, 0)
    assert records_of(output) == HISTORY
    data = output.read_bytes()
    assert hashlib.sha256(data[:-32]).digest() == data[-32:]
    source = FileSource(str(output))
    assert judge_file(source).verdict == "restorable"
    source.close()


def test_a_small_old_tree_is_no_other_cluster(tmp_path: Path) -> None:
    """A damaged pointer leads to one: it lacks nearly all, and holds nothing otherwise."""
    small = STORE.fork()
    small.records, small.revision = [r for r in STORE.records if r.at.main == 60], 60
    damaged = db_bytes()
    at = damaged.index(small.records[0].kv.value)
    damaged[at] ^= 1
    result = run(written(tmp_path, "a", damaged), written(tmp_path, "b", bytearray(small.file())))
    assert result.conflict_count == 1


def test_another_cluster_is_refused(tmp_path: Path) -> None:
    """Other records at the same revisions, and none in common."""
    other = Store()
    for each in range(200):
        other.put(b"other/%03d" % (each % 40), b"%d thing" % each * 30)
    with pytest.raises(Refused, match="different clusters"):
        run(written(tmp_path, "a", db_bytes()), written(tmp_path, "b", bytearray(other.file())))


def test_what_nobody_holds_is_named(tmp_path: Path) -> None:
    """The lost page's revisions are listed, and the rest is saved; nothing of them comes back."""
    data = db_bytes()
    page = page_of(data, (100).to_bytes(8, "big") + b"_")
    data[page * PAGE : (page + 1) * PAGE] = bytes(PAGE)
    output = tmp_path / "saved.db"
    result = run(written(tmp_path, "a", data), output=output)
    assert not result.complete
    named = {
        main
        for lost in result.lost
        for main in range(lost.first_revision, (lost.last_revision or 201) + 1)
    }
    assert 100 in named
    assert named < set(HISTORY)
    # What lies before the hole is compacted, so that nobody reads a history with a hole.
    assert result.compact_revision >= max(named)
    last = {key: main for main, (key, _) in HISTORY.items() if main not in named}
    assert set(records_of(output)) >= set(last.values()) - named


@pytest.mark.parametrize("cut", range(30))
def test_a_file_cut_anywhere(cut: int, tmp_path: Path) -> None:
    """It is salvaged or refused in words: also where not a single leaf can be reached."""
    data = db_bytes()
    length = len(data) * cut // 30
    path = written(tmp_path, "a", data[:length])
    try:
        result = run(path)
    except RequorumError:
        return
    assert not result.complete


@pytest.mark.parametrize("page", range(24))
def test_any_page_lost(page: int, tmp_path: Path) -> None:
    """What is saved is true, whichever page is gone; beside a whole copy nothing of it is lost.

    Only what may lie beyond that copy is left open, where nothing tells how far the other went.
    """
    data = db_bytes()
    assert len(data) > page * PAGE
    data[page * PAGE : (page + 1) * PAGE] = b"\xa5" * PAGE
    output = tmp_path / "saved.db"
    broken = written(tmp_path, "a", data)
    run(broken, output=output)
    assert records_of(output).items() <= HISTORY.items()
    together = run(written(tmp_path, "b", db_bytes()), broken)
    assert all(lost.first_revision > max(HISTORY) for lost in together.lost)


def test_nothing_to_save(tmp_path: Path) -> None:
    """No file is written, and nothing is left of the attempt."""
    output = tmp_path / "out" / "saved.db"
    output.parent.mkdir()
    with pytest.raises(DamagedInput):
        run(written(tmp_path, "a", bytes(8 * PAGE)), output=output)
    assert list(output.parent.iterdir()) == []


def test_the_output_is_never_overwritten(tmp_path: Path) -> None:
    """Neither another file nor an input."""
    path = written(tmp_path, "a", db_bytes())
    with pytest.raises(Refused):
        run(path, output=path)
    assert path.read_bytes() == bytes(db_bytes())


def test_a_path_where_nothing_is(tmp_path: Path) -> None:
    """A slip of the pen is a usage error."""
    with pytest.raises(UsageError):
        run(tmp_path / "none")
