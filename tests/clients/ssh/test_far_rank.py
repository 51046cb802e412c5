"""Choosing a survivor over the network reads kilobytes of its database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from on_this_machine import far_host
from sshd import Sshd

from requorum.clients.hosts.ssh.host import SshHost
from requorum.clients.hosts.ssh.remote_source import RemoteSource
from requorum.facts.rank import read_rank
from requorum.facts.whole_dir import Place
from requorum.formats.backend_file import BackendMeta, backend_buckets, record_row
from requorum.formats.bbolt.writer import write_database
from requorum.formats.mvcc import KeyValue, Revision

_RECORDS = 12_000
_READ_MAX = 1 << 20


def write_large_database(path: Path) -> None:
    """Write a database of some fifty megabytes."""
    value = b"v" * 4096
    rows = (
        record_row(Revision(main), KeyValue(b"key/%08d" % main, main, main, 1, value))
        for main in range(2, _RECORDS + 2)
    )
    meta = BackendMeta(consistent_index=77, term=3).rows()
    data = bytearray()
    written = write_database(data.extend, backend_buckets({b"key": rows, b"meta": meta}))
    data[: len(written.head)] = written.head
    path.write_bytes(data)


async def test_less_than_a_megabyte_comes_over_the_network(
    shared_sshd: Sshd, tmp_path: Path
) -> None:
    """Of fifty, and what is read ahead is counted too."""
    (tmp_path / "member" / "snap").mkdir(parents=True)
    write_large_database(tmp_path / "member" / "snap" / "db")
    read: dict[str, int] = {}

    class Counting(SshHost):
        @asynccontextmanager
        async def open(self, path: str) -> AsyncIterator[RemoteSource]:  # type: ignore[override]
            async with super().open(path) as source:
                yield source
                read[Path(path).name] = source.bytes_read

    far = far_host(shared_sshd)
    far.__class__ = Counting
    async with far:
        found = await read_rank(far, Place.of(str(tmp_path), None))
    assert (tmp_path / "member/snap/db").stat().st_size > 40 * _READ_MAX
    assert 0 < read["db"] < _READ_MAX
    assert found.database is not None
    assert found.database.current_revision == _RECORDS + 1
