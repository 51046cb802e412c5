"""One side of a comparison: a database that was read, and the log that lies beside it."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from requorum.app.files.database_file import warnings_of
from requorum.app.files.places import Place
from requorum.app.inspect.diff.results import WalTailResult
from requorum.errors import DamagedInput, NotPermitted, RequorumError
from requorum.facts.data_dir import read_state, read_wal
from requorum.formats.snapshot_file import split_trailer, trailer_matches
from requorum.formats.source import Head, Source
from requorum.inspection.difference.readable import Readable, read_readable


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What was read, as views into the source: keep it open. `warnings` are about the file.

    `wal` is None unless the place is a data directory that has one.
    """

    place: Place
    size: int
    trailer: Literal["matches", "differs", "absent"]
    readable: Readable
    warnings: tuple[str, ...]
    wal: WalTailResult | None


async def read_side(place: Place, source: Source) -> Side:
    """Read one side; DamagedInput, with the place in it, where nothing useful can be read."""
    warnings = await warnings_of(place, source.size)
    try:
        wal = await _wal_tail(place)
        trailer, readable = await asyncio.to_thread(_read_source, source)
    except DamagedInput as error:
        raise DamagedInput(f"{place.name}: {error.message}", hint=error.hint) from error
    return Side(
        place=place,
        size=source.size,
        trailer=trailer,
        readable=readable,
        warnings=warnings,
        wal=wal,
    )


def _read_source(source: Source) -> tuple[Literal["matches", "differs", "absent"], Readable]:
    matches = trailer_matches(source)
    readable = read_readable(Head(source, split_trailer(source).db_size))
    return "absent" if matches is None else "matches" if matches else "differs", readable


async def _wal_tail(place: Place) -> WalTailResult | None:
    """Return how far the log goes beyond the database; None where there is no log to ask."""
    if place.wal_dir is None:
        return None
    try:
        index = (await read_state(place.host, place.path)).consistent_index
        log = await read_wal(place.host, place.wal_dir, needed_from=index)
    except NotPermitted:
        raise
    except RequorumError:
        return WalTailResult(
            entries=0, first_index=None, last_index=None, committed=0, damaged=True
        )
    if log is None:
        return None
    behind = [i for i in log.entries if i > index]
    return WalTailResult(
        entries=len(behind),
        first_index=min(behind, default=None),
        last_index=max(behind, default=None),
        committed=sum(1 for i in behind if i <= log.commit),
        damaged=bool(log.damages),
    )
