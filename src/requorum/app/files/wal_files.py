"""Where a log lies, and its segments, one in memory at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from posixpath import abspath, basename, dirname, join

from requorum.clients.hosts import local_files, local_locks
from requorum.clients.hosts.local_source import FileSource
from requorum.errors import UsageError
from requorum.facts.data_dir import SEGMENT_READ_MAX
from requorum.formats.readable_parts import UnreadableRange, read_parts
from requorum.formats.source import BufferSource
from requorum.formats.wal import (
    Segment,
    WalDamage,
    WalDamageKind,
    parse_segment_name,
    read_segment,
)
from requorum.inspection.member_log import SegmentFile

OnBytes = Callable[[int], None]
"""Is told how many bytes were read since the last time."""

_INSIDE = ("", "wal", "member/wal")
_HINT = (
    "Name a data directory, the directory of its WAL (member/wal, or what --wal-dir says), or one "
    "file of it."
)


@dataclass
class WalFiles:
    """The segments of one log, in order.

    `single`: one file was named, not a log; `more_follow`: there are later ones beside it.
    `database`: where this member's own database would lie, if the log is in its usual place.
    """

    path: str
    names: tuple[str, ...]
    database: str | None = None
    single: bool = False
    more_follow: bool = False
    _last_read: SegmentFile | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        """Return the size of all of them, in bytes."""
        stats = [local_files.stat(join(self.path, name)) for name in self.names]
        return sum(stat.size for stat in stats if stat is not None)

    def in_use(self) -> bool:
        """Return whether an etcd writes to this log."""
        return not self.more_follow and local_locks.in_use(join(self.path, self.names[-1]))

    def read_all(self, on_bytes: OnBytes) -> Iterator[SegmentFile]:
        """Read one after the other; what cannot be read of one is damage."""
        for name in self.names:
            file = self.read(name)
            yield file
            on_bytes(file.size)

    def read(self, name: str) -> SegmentFile:
        """Read one segment. The last one is kept, so that a log of one is read only once."""
        if self._last_read is None or self._last_read.name != name:
            self._last_read = None  # before, so that two are never in memory
            self._last_read = self._read(name)
        return self._last_read

    def _read(self, name: str) -> SegmentFile:
        last = name == self.names[-1] and not self.more_follow
        source = FileSource(join(self.path, name))
        try:
            parts = read_parts(source, min(source.size, SEGMENT_READ_MAX))
        finally:
            source.close()
        segment = read_segment(BufferSource(parts.content), last=last)
        parsed = parse_segment_name(name)
        segment = _with_unreadable(segment, parts.unreadable)
        return SegmentFile(name, parsed[0] if parsed else 0, source.size, segment)


def _with_unreadable(segment: Segment, unreadable: tuple[UnreadableRange, ...]) -> Segment:
    if not unreadable:
        return segment
    damages = [
        WalDamage(r.start, r.end - r.start, WalDamageKind.GAP, r.problem, None) for r in unreadable
    ]
    every = sorted([*segment.damages, *damages], key=lambda damage: damage.offset)
    return replace(segment, damages=every)


def find_wal(path: str) -> WalFiles:
    """Return the log that `path` means; UsageError where there is none."""
    found = local_files.stat(path)
    if found is None:
        raise UsageError(f"there is no file or directory {path}", hint=_HINT)
    if found.kind == "dir":
        return _in_directory(path.rstrip("/") or "/")
    if found.kind != "file":
        raise UsageError(f"{path} is neither a file nor a directory", hint=_HINT)
    return _single(path)


def _in_directory(path: str) -> WalFiles:
    for inside in _INSIDE:
        directory = join(path, inside) if inside else path
        names = _segments_in(directory)
        if names:
            return WalFiles(directory, names, join(dirname(abspath(directory)), "snap", "db"))
    raise UsageError(f"there is no WAL in {path}: no file named like one", hint=_HINT)


def _single(path: str) -> WalFiles:
    directory, name = dirname(path) or ".", basename(path)
    beside = _segments_in(directory)
    more_follow = name in beside and name != beside[-1]
    return WalFiles(directory, (name,), single=True, more_follow=more_follow)


def _segments_in(directory: str) -> tuple[str, ...]:
    found = local_files.stat(directory)
    if found is None or found.kind != "dir":
        return ()
    names = local_files.list_dir(directory) or ()
    return tuple(name for name in names if parse_segment_name(name))
