"""The log of a practice member that does not run, straight from its files."""

from requorum.formats.source import BufferSource
from requorum.formats.wal import parse_segment_name, read_segment
from requorum.inspection.member_log import MemberLog, SegmentFile, read_member_log
from requorum.lab.damage.graveyard import Disks


def read_wal(lab: Disks, name: str) -> MemberLog | None:
    """Return the member's log, as far as it can be read; None where it has no WAL."""
    wal = lab.data_dir(name) / "member" / "wal"
    paths = sorted(path for path in wal.glob("*.wal") if parse_segment_name(path.name))
    files = []
    for path in paths:
        parsed = parse_segment_name(path.name)
        segment = read_segment(BufferSource(path.read_bytes()), last=path == paths[-1])
        files.append(
            SegmentFile(
                path.name, parsed[0] if parsed else 0, segment=segment, size=path.stat().st_size
            )
        )
    return read_member_log(files) if files else None
