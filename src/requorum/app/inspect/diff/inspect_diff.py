"""The use case behind `requorum inspect diff`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from requorum.app.files.database_file import database_file
from requorum.app.inspect.diff.findings import KeyNames, result_of
from requorum.app.inspect.diff.results import DiffResult, KeyResult
from requorum.app.inspect.diff.sides import read_side
from requorum.clients.hosts.local import LocalHost
from requorum.inspection.difference.compare import Wishes, compare
from requorum.inspection.difference.grouping import DifferingKey
from requorum.ports.host import Host

OnStage = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Compared:
    """What was found. `result` has no keys in it: a million of them would take gigabytes."""

    result: DiffResult
    _named: tuple[DifferingKey, ...]
    _names: KeyNames

    def keys(self) -> Iterator[KeyResult]:
        """Yield the keys of the result, one at a time, in the order of their bytes."""
        return map(self._names.of, self._named)

    def whole(self) -> DiffResult:
        """Return the result with its keys."""
        return self.result.model_copy(update={"keys": tuple(self.keys())})


@asynccontextmanager
async def compared(
    a: str,
    b: str,
    wishes: Wishes,
    *,
    values: bool,
    on_stage: OnStage,
    host: Host | None = None,
) -> AsyncIterator[Compared]:
    """Compare the databases at two places, which are open as long as this is.

    `values`: whether the result may hold values of keys. `on_stage` is told what is done next.
    Raises UsageError for a place where nothing is and a revision that a side does not have,
    DamagedInput where nothing useful can be read of a side.
    """
    host = host or LocalHost()
    async with (
        database_file(a, host) as (a_place, a_source),
        database_file(b, host) as (b_place, b_source),
    ):
        on_stage("reading both databases")
        ours, theirs = await asyncio.gather(
            read_side(a_place, a_source), read_side(b_place, b_source)
        )
        on_stage("comparing")
        found = await asyncio.to_thread(compare, ours.readable, theirs.readable, wishes)
        names = KeyNames(ours.readable, theirs.readable, wishes.kube_prefix, values=values)
        yield Compared(result_of(ours, theirs, found, names), found.named, names)
