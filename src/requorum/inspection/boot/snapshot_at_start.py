"""Which snapshot etcd starts from, and which database goes with it.

Source: etcd server/etcdserver/api/snap/snapshotter.go (LoadNewestAvailable),
server/storage/backend.go (RecoverSnapshotBackend).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from requorum.domain.signatures import database, versions
from requorum.formats.snap import Snap
from requorum.inspection.boot.course import Course, end
from requorum.inspection.boot.database_at_start import open_database
from requorum.inspection.boot.database_facts import DatabaseFacts
from requorum.inspection.boot.directory import Directory
from requorum.inspection.boot.release import Release
from requorum.inspection.boot.wal_at_start import SnapshotMark


@dataclass(frozen=True, slots=True)
class Chosen:
    """The snapshot that etcd starts from; `snap` is None where no .snap file is read."""

    mark: SnapshotMark
    snap: Snap | None


def choose_snapshot(
    directory: Directory, marks: Sequence[SnapshotMark], release: Release, course: Course
) -> Chosen | None:
    """Return the newest .snap file that the log knows; from 3.7 on, the log's newest mark."""
    if not release.loads_snap_files:
        return Chosen(marks[-1], None) if marks else None
    known = set(marks)
    for file in sorted(directory.snaps, key=lambda f: f.name, reverse=True):
        if file.snap is None:
            course.change(f"rename {file.name} to {file.name}.broken: {file.damage}")
        elif (mark := SnapshotMark(file.snap.index, file.snap.term)) in known:
            return Chosen(mark, file.snap)
    return None


def recover_from_snapshot(
    directory: Directory,
    db: DatabaseFacts,
    chosen: Chosen | None,
    release: Release,
    course: Course,
) -> DatabaseFacts:
    """Return the database that etcd goes on with: its own, or the one that a leader sent."""
    if chosen is None:
        return db
    if release.refuses_v2 and chosen.snap is not None and chosen.snap.has_v2_data:
        why = f"the snapshot at index {chosen.mark.index} holds keys or users of the v2 API"
        end(versions.V2_CONTENT, why)
    if chosen.mark.index <= db.index:
        return db
    sent = directory.snap_dbs.get(chosen.mark.index)
    if sent is None:
        end(database.SNAP_DB_MISSING, _why_missing(directory, db, chosen))
    course.change(f"rename {chosen.mark.index:016x}.snap.db to db, over the one that is there")
    open_database(sent, release, course)
    return sent


def _why_missing(directory: Directory, db: DatabaseFacts, chosen: Chosen) -> str:
    name = f"{chosen.mark.index:016x}.snap.db"
    stands = "is missing" if directory.database is None else f"stands at index {db.index}"
    return (
        f"its database {stands}, its newest snapshot at {chosen.mark.index}, and there is no "
        f"{name} to take its place"
    )


def check_index(db: DatabaseFacts, chosen: Chosen | None) -> None:
    """Refuse a database that still stands before the snapshot."""
    if chosen is None or not 0 < db.index < chosen.mark.index:
        return
    line = (
        f"database file (… index {db.index}) does not match with snapshot "
        f"(index {chosen.mark.index})"
    )
    why = f"its database stands at {db.index}, before its snapshot at {chosen.mark.index}"
    end(database.DB_BEHIND_SNAPSHOT, why, line=line)
