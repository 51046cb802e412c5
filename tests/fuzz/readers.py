"""Lets all readers loose on one damaged file, and tells what they said and what they cost.

A reader may raise a RequorumError, or say what is damaged. Whatever else it raises is a finding.
"""

import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import readers_of_databases as databases
import readers_of_logs as logs
from cases import Case
from readers_of_doors import knock, predictions

from requorum.clients.hosts.local_source import FileSource
from requorum.errors import RequorumError
from requorum.formats.source import Source

Reader = Callable[[Path], Iterator[str]]
"""Reads a data directory; yields what is damaged."""

_OF_DATA_DIRS: Mapping[str, Reader] = {
    "segments": logs.read_segments,
    "log": logs.read_log,
    "snaps": logs.read_snaps,
    "data dir": logs.read_data_dir,
}
_MESSAGE_MAX = 1000
_KEPT = 20


@dataclass
class Reading:
    """What came of one case. `problems` are findings, `damages` are what was to be found."""

    damages: dict[str, list[str]] = field(default_factory=dict)
    predictions: dict[str, str] = field(default_factory=dict)
    """How a start ends, by minor, as far as `inspect datadir` was asked."""
    seconds: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_everything(case: Case, *, doors: bool) -> Reading:
    """Run every reader that the case is for; `doors`: also the commands."""
    reading = Reading()
    for name, reader in databases.READERS.items():
        if case.kind in ("db", "snapshot", "datadir db"):
            _run(reading, name, partial(_opened, reader), case.path)
    for name, reader in _OF_DATA_DIRS.items():
        if case.data_dir is not None:
            _run(reading, name, reader, case.data_dir)
    if doors:
        _knock(reading, case)
    return reading


def _knock(reading: Reading, case: Case) -> None:
    begin = time.monotonic()
    try:
        reading.problems += knock(case)
        if case.data_dir is not None:
            reading.predictions = predictions(case.data_dir)
    except BaseException:  # noqa: BLE001 - as below
        reading.problems.append(f"doors: {traceback.format_exc()}")
    reading.seconds["doors"] = time.monotonic() - begin


def _opened(reader: Callable[[Source], Iterator[str]], path: Path) -> Iterator[str]:
    with closing(FileSource(str(path))) as source:
        yield from reader(source)


def _run(reading: Reading, name: str, reader: Reader, path: Path) -> None:
    begin = time.monotonic()
    said: list[str] = []
    try:
        said += reader(path)
    except RequorumError as error:
        said.append(error.message)
    except BaseException:  # noqa: BLE001 - that nothing else is ever raised is what is tested
        reading.problems.append(f"{name}: {traceback.format_exc()}")
    reading.seconds[name] = time.monotonic() - begin
    reading.damages[name] = said[:_KEPT]
    reading.problems += [f"{name}: says {line!r}" for line in said if not _can_be_shown(line)]


def _can_be_shown(line: str) -> bool:
    """Return whether a terminal may be given this: short, UTF-8, no control characters."""
    return line.isprintable() and len(line) <= _MESSAGE_MAX
