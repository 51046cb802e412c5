"""What else lies in a data directory: files that etcd left, removes, ignores or chokes on.

Source: etcd server/etcdserver/api/snap/{snapshotter,db}.go, server/storage/wal/{wal,repair,
file_pipeline}.go, etcdutl/snapshot (.part).
"""

import re
from enum import StrEnum

from requorum.formats.snap import parse_snap_db_name, parse_snap_name
from requorum.formats.wal import parse_segment_name

_SPARE = re.compile(r"\d+\.tmp")


class Folder(StrEnum):
    """The four directories that etcd knows."""

    DATA = "data"
    MEMBER = "member"
    SNAP = "snap"
    WAL = "wal"


_KNOWN = {
    Folder.DATA: {"member"},
    Folder.MEMBER: {"snap", "wal"},
    Folder.SNAP: {"db"},
    Folder.WAL: set[str](),
}


def leftover(folder: Folder, name: str) -> str | None:
    """Return what a file is that is not part of the member's data; None where it is."""
    if name in _KNOWN[folder]:
        return None
    match folder:
        case Folder.SNAP:
            return _in_snap(name)
        case Folder.WAL:
            return _in_wal(name)
        case Folder.MEMBER:
            return _in_member(name)
        case Folder.DATA:
            return _in_data(name)


def _in_snap(name: str) -> str | None:
    if parse_snap_name(name) or parse_snap_db_name(name) is not None:
        return None
    if name.endswith(".snap"):
        return "a .snap file with a name of its own: etcd reads it, too"
    if name.endswith(".broken"):
        return "a damaged .snap file that etcd renamed"
    if name.startswith("db.tmp"):
        return "of a defragmentation that did not end: etcd removes it when it starts"
    if name.startswith("tmp"):
        return "of a transfer that did not end: etcd removes it when it starts"
    return "unknown"


def _in_wal(name: str) -> str | None:
    if parse_segment_name(name):
        return None
    if name.endswith(".wal"):
        return "not the name of a segment: etcd passes it over"
    if name.endswith(".broken"):
        return "a copy that etcd made before it cut off a torn end"
    if _SPARE.fullmatch(name):
        return "the spare for the next segment"
    return "unknown"


def _in_member(name: str) -> str:
    if name == "wal.tmp":
        return "of a first start that did not end"
    if name.startswith("wal.broken"):
        return "a WAL directory that etcd set aside"
    return "unknown"


def _in_data(name: str) -> str:
    if name == "proxy":
        return "of the v2 proxy: etcd does not start with it beside member"
    if name == "lost+found":
        return "of the file system"
    return "unknown"
