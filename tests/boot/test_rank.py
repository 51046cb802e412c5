"""Ranking a survivor reads kilobytes, whatever the size of its database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from made_directories import entry, log_files, mark, segment_bytes, state
from written_dirs import database_of, segment_of, write_directory

from requorum.clients.hosts.local import LocalHost
from requorum.facts.rank import Rank, read_rank
from requorum.facts.whole_dir import Place
from requorum.formats.backend_file import BackendMeta, backend_buckets, record_row
from requorum.formats.bbolt.writer import write_database
from requorum.formats.mvcc import KeyValue, Revision
from requorum.formats.source import Source
from requorum.formats.wal import segment_name

_RECORDS = 12_000
_READ_MAX = 1 << 20


class Counting:
    """A source that counts the bytes that are read of it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.bytes_read = 0

    @property
    def size(self) -> int:
        """Return the number of bytes."""
        return self._source.size

    def read(self, offset: int, length: int) -> memoryview:
        """Read, and count."""
        self.bytes_read += length
        return self._source.read(offset, length)


class CountingHost(LocalHost):
    """This machine; counts what is read of each file, by its name."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes_read: dict[str, int] = {}

    @asynccontextmanager
    async def open(self, path: str) -> AsyncIterator[Counting]:  # type: ignore[override]
        """Open it with a counter."""
        async with super().open(path) as source:
            counting = Counting(source)
            yield counting
            name = Path(path).name
            self.bytes_read[name] = self.bytes_read.get(name, 0) + counting.bytes_read


def place(directory: Path) -> Place:
    """Return where it lies."""
    return Place.of(str(directory), None)


async def rank(directory: Path) -> Rank:
    """Read it."""
    return await read_rank(LocalHost(), place(directory))


def large_database() -> bytes:
    """Return a database of some fifty megabytes."""
    value = b"v" * 4096
    rows = (
        record_row(Revision(main), KeyValue(b"key/%08d" % main, main, main, 1, value))
        for main in range(2, _RECORDS + 2)
    )
    meta = BackendMeta(consistent_index=77, term=3).rows()
    data = bytearray()
    written = write_database(data.extend, backend_buckets({b"key": rows, b"meta": meta}))
    data[: len(written.head)] = written.head
    return bytes(data)


async def test_less_than_a_megabyte_of_the_database_is_read(tmp_path: Path) -> None:
    """Of fifty; and of the log its last segment alone."""
    directory = write_directory(tmp_path / "data")
    database_of(directory).write_bytes(large_database())
    first = segment_of(directory)
    data, _ = segment_bytes([state(4), entry(5, term=3), state(5, term=3)])
    (directory / "member" / "wal" / segment_name(1, 5)).write_bytes(data + bytes(4096))
    host = CountingHost()

    found = await read_rank(host, place(directory))

    assert database_of(directory).stat().st_size > 40 * _READ_MAX
    assert host.bytes_read["db"] < _READ_MAX
    assert first.name not in host.bytes_read
    assert found.database is not None
    assert (found.database.consistent_index, found.database.current_revision) == (77, _RECORDS + 1)
    assert found.log is not None
    assert (found.log.position, found.log.commit) == ((3, 5), 5)
    assert not found.problems


async def test_a_segment_without_an_entry_is_not_the_end(tmp_path: Path) -> None:
    """Etcd has just begun it: the one before has the last entry."""
    directory = write_directory(tmp_path / "data")
    files = log_files([mark(0, 0), entry(1), entry(2), state(2)], [state(2)])
    for (name, data), path in zip(files, ("first", "second"), strict=True):
        del path
        (directory / "member" / "wal" / name).write_bytes(data)
    found = await rank(directory)
    assert found.log is not None
    assert (found.log.last_index, found.log.commit) == (2, 2)


async def test_what_is_missing_or_damaged_is_a_problem(tmp_path: Path) -> None:
    """And the rest is told."""
    directory = write_directory(tmp_path / "data")
    database_of(directory).unlink()
    found = await rank(directory)
    assert found.problems == ("there is no database",)
    assert found.log is not None
    segment_of(directory).unlink()
    database_of(directory).write_bytes(b"nothing of the kind" * 1000)
    nothing = await rank(directory)
    assert (nothing.log, nothing.database) == (None, None)
    assert "there is no WAL" in nothing.problems
    assert any("the database cannot be read" in problem for problem in nothing.problems)


async def test_damage_at_the_end_of_the_log_is_named(tmp_path: Path) -> None:
    """A rank that rests on it is in doubt."""
    directory = write_directory(tmp_path / "data")
    segment = segment_of(directory)
    data = bytearray(segment.read_bytes())
    data[100] ^= 0xFF
    segment.write_bytes(data)
    assert any(problem.startswith("WAL ") for problem in (await rank(directory)).problems)
