"""A whole WAL directory, each segment in memory only while it is read."""

from collections.abc import Iterable, Iterator

from requorum.formats.raftpb import Entry, EntryType
from requorum.formats.readable_parts import read_parts
from requorum.formats.source import BufferSource, Source
from requorum.formats.wal import Record, parse_segment_name, read_segment
from requorum.inspection.boot.directory import LogFacts
from requorum.inspection.boot.segment_as_read import SegmentAsRead, Stop, StopKind, read_as_etcd
from requorum.inspection.boot.version_entry import sets_version
from requorum.inspection.member_log import SegmentFile, read_member_log


def read_whole_log(
    files: Iterable[tuple[str, Source]], *, misnamed: tuple[str, ...] = ()
) -> LogFacts:
    """Read segments in the order of their names, both ways; damage is listed, never raised."""
    reading = _Reading(list(files))
    log = read_member_log(reading.segment_files(), keep=reading.keep)
    versions = {
        index: version
        for index, entry in log.entries.items()
        if len(entry.data) and (version := sets_version(entry)) is not None
    }
    return LogFacts(tuple(reading.as_etcd), log, misnamed, reading.spans, versions)


class _Reading:
    def __init__(self, files: list[tuple[str, Source]]) -> None:
        self._files = files
        self._bare: dict[int, Entry] = {}
        self._name = ""
        self.as_etcd: list[SegmentAsRead] = []
        self.spans: dict[str, tuple[int, int]] = {}

    def segment_files(self) -> Iterator[SegmentFile]:
        """Yield each segment as this program reads it, once etcd's reading of it is noted."""
        running = 0
        for number, (name, source) in enumerate(self._files):
            sequence, index = parse_segment_name(name) or (0, 0)
            last = number == len(self._files) - 1
            parts = read_parts(source, source.size)
            view, end = memoryview(parts.content), source.size
            if parts.unreadable:
                end = parts.unreadable[0].start
            read = read_as_etcd(name, sequence, index, view[:end], last=last, running=running)
            if parts.unreadable:
                read.stop = Stop(read.end, StopKind.UNREADABLE)
            running = read.running
            self.as_etcd.append(read)
            segment, self._name = read_segment(BufferSource(view), last=last), name
            yield SegmentFile(name, sequence, source.size, segment)

    def keep(self, entry: Entry, _record: Record) -> Entry:
        """Keep what changes the members or sets the version; of all others the term alone.

        Those share one object.
        """
        first, last = self.spans.get(self._name, (entry.index, entry.index))
        self.spans[self._name] = min(first, entry.index), max(last, entry.index)
        if entry.type is not EntryType.NORMAL or sets_version(entry) is not None:
            return Entry(entry.type, entry.term, entry.index, bytes(entry.data))
        bare = self._bare.get(entry.term)
        if bare is None:
            bare = self._bare[entry.term] = Entry(EntryType.NORMAL, entry.term, 0, b"")
        return bare
