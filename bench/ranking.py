"""How much is read to rank a survivor: of its database and of its log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.big_database import MEGABYTES, big_database
from bench.measure import Figure
from requorum.clients.hosts.local import LocalHost
from requorum.facts.rank import Rank, read_rank
from requorum.facts.whole_dir import Place
from requorum.formats.source import CountingSource


class _CountingHost(LocalHost):
    """This machine, and what was read of each file, by its name."""

    def __init__(self) -> None:
        super().__init__()
        self.read: dict[str, CountingSource] = {}

    @asynccontextmanager
    async def open(self, path: str) -> AsyncIterator[CountingSource]:  # type: ignore[override]
        async with super().open(path) as source:
            self.read[Path(path).name] = CountingSource(source)
            yield self.read[Path(path).name]


def bench_ranking(directory: Path, _runs: int, megabytes: int | None) -> list[Figure]:
    """Read what decides between survivors: the end of the log, and where the database stands."""
    made = big_database(directory, megabytes or MEGABYTES)
    host = _CountingHost()
    rank = asyncio.run(read_rank(host, Place.of(str(made.data_dir), None)))
    _refuse_doubt(rank)
    db = host.read.pop(made.database.name)
    log = sum(source.bytes_read for source in host.read.values())
    of_db = f"{db.bytes_read} bytes in {db.reads} reads"
    return [
        Figure("ranking: of the member's db", of_db, f"of {db.size}; at most 1 MiB"),
        Figure("ranking: of its log", f"{log} bytes", f"{len(host.read)} segments, from the end"),
    ]


def _refuse_doubt(rank: Rank) -> None:
    if rank.problems or rank.database is None or rank.log is None:
        raise SystemExit(f"the member cannot be ranked: {rank.problems}")
