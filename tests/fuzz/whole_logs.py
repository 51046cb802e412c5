"""A member's log as its data directory holds it, read without anything around it."""

from contextlib import closing
from pathlib import Path

from requorum.clients.hosts.local_source import FileSource
from requorum.formats.wal import parse_segment_name, read_segment
from requorum.inspection.member_log import MemberLog, SegmentFile, read_member_log


def member_log(room: Path) -> MemberLog:
    """Return the log below a data directory; an unreadable segment is left out, as missing."""
    files = []
    paths = segments_of(room)
    for path in paths:
        sequence, _ = parse_segment_name(path.name) or (0, 0)
        with closing(FileSource(str(path))) as source:
            segment = read_segment(source, last=path == paths[-1])
            files.append(SegmentFile(path.name, sequence, source.size, segment))
    return read_member_log(files)


def segments_of(room: Path) -> list[Path]:
    """Return the segments below a data directory, in order."""
    found = (room / "member" / "wal").iterdir()
    return sorted(path for path in found if parse_segment_name(path.name))
