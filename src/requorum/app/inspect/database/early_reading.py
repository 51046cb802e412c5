"""A database file, read by two other processes before anything heavy is imported here.

One makes the SHA-256, the other checks pages and records. A disk that fails beneath a mapping ends
the second one, and its work is done here, carefully.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from requorum.clients.hosts.forked import Forked
from requorum.clients.hosts.local_source import FileSource
from requorum.errors import RequorumError
from requorum.formats.beside import Pending
from requorum.formats.snapshot_file import CheckedTrailer, check_trailer, split_trailer
from requorum.formats.source import Head

if TYPE_CHECKING:
    from requorum.inspection.database_content import DatabaseContent

_AT_ONCE = 256 << 10
"""Read and hashed while it still is in the processor's cache."""


@dataclass(frozen=True, slots=True)
class EarlyReading:
    """What `judge_file` may be given; both None where the name is no file that can be read."""

    trailer: Pending[CheckedTrailer] | None = None
    content: "Pending[DatabaseContent] | None" = None


@contextmanager
def begin_reading(name: str) -> Iterator[EarlyReading]:
    """Begin to read a file; what is not asked for at the end of the context is left undone."""
    try:
        FileSource(name).close()
    except RequorumError:
        # A directory, or nothing: what is wrong is said where it is looked for.
        yield EarlyReading()
        return
    with (
        Forked(lambda: _content(name, expendable=True), lambda: _content(name)) as content,
        Forked(lambda: _trailer(name)) as trailer,
    ):
        yield EarlyReading(trailer, content)


def _trailer(name: str) -> CheckedTrailer:
    source = FileSource(name)
    try:
        return check_trailer(source, at_once=_AT_ONCE)
    finally:
        source.close()


def _content(name: str, *, expendable: bool = False) -> "DatabaseContent":
    gc.disable()
    from requorum.inspection.database_content import examine_content  # noqa: PLC0415  # not by us

    source = FileSource(name, expendable=expendable)
    try:
        return examine_content(Head(source, split_trailer(source).db_size))
    finally:
        source.close()
        gc.enable()
