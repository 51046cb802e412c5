"""What an operator should know of a data directory besides how etcd would start on it."""

from collections.abc import Iterator, Sequence

from requorum.app.inspect.datadir.results import FindingResult
from requorum.domain.signatures import versions
from requorum.domain.units import binary_size, counted
from requorum.facts.whole_dir import FoundFile, WholeDir
from requorum.formats.requests import V2Request
from requorum.inspection.boot.database_facts import DatabaseFacts
from requorum.inspection.boot.directory import Directory
from requorum.inspection.boot.release import Release
from requorum.inspection.boot.replay_at_start import is_etcds_own
from requorum.inspection.boot.segment_as_read import StopKind
from requorum.inspection.member_lists import MemberRow

SPACE_MIN = 128 << 20
"""etcd takes 64 MB at once for the next segment of its log, and the database grows by 16 MiB."""

_SALVAGE = "`requorum salvage` gets out what other pages still prove."
_GROUP_AND_OTHERS = 0o077


def findings(
    whole: WholeDir, members: Sequence[MemberRow], release: Release | None
) -> tuple[FindingResult, ...]:
    """Return all findings, the worst first."""
    directory = whole.directory
    return (
        *_about_use(directory),
        *_about_database(directory),
        *_about_missing_log(directory),
        *_about_log(directory),
        *_about_snaps(directory),
        *_about_members(directory, members, release),
        *_about_alarms(directory.database),
        *_about_v2(directory, release),
        *_about_files(whole),
    )


def _finding(what: str, advice: str | None = None) -> FindingResult:
    return FindingResult(what=what, advice=advice)


def _about_use(directory: Directory) -> Iterator[FindingResult]:
    if directory.in_use:
        yield _finding(
            "a process holds the database or the log: it changes while it is read",
            "Stop that member, or look at a copy of its directory.",
        )


def _about_database(directory: Directory) -> Iterator[FindingResult]:
    database = directory.database
    if database is None:
        if directory.log.present or directory.snaps:
            yield _finding("there is no database")
        return
    if database.open_error is not None:
        yield _finding(f"the database does not open: {database.open_error}", _SALVAGE)
    if database.cut is not None:
        yield _finding(f"the database is cut short: {database.cut}", _SALVAGE)
    elif database.open_error is None and database.damage_count:
        places = counted(database.damage_count, "place", "places")
        yield _finding(f"the database is damaged at {places}: {database.damages[0]}", _SALVAGE)
    if database.metas is not None and database.open_error is None and database.size:
        for damage in database.metas.damages:
            yield _finding(f"a meta page of the database is damaged: {damage}")
    verdict = database.verdict
    odd = verdict.content.contradictions if verdict is not None and verdict.content else None
    if odd is not None and odd.count:
        records = counted(odd.count, "record", "records")
        yield _finding(f"in the database, {records} no etcd wrote so: {odd.shown[0]}")


def _about_missing_log(directory: Directory) -> Iterator[FindingResult]:
    if not directory.log.present and (directory.database is not None or directory.snaps):
        yield _finding(
            "there is no WAL, and yet there is data",
            "Look for it: was there a --wal-dir? Without it, `requorum recover` takes the database "
            "alone, as the last resort.",
        )


def _about_log(directory: Directory) -> Iterator[FindingResult]:
    log, database = directory.log.log, directory.database
    for damage in log.damages[:1]:
        place = "" if damage.offset is None else f" at byte {damage.offset}"
        others = counted(len(log.damages) - 1, "more place", "more places")
        more = f" and {others}" if len(log.damages) > 1 else ""
        yield _finding(
            f"the log is damaged in {damage.segment}{place}{more}: {damage.what}",
            "`requorum inspect wal` lists all of it, and what lies behind.",
        )
    if log.doubtful:
        yield _finding(
            f"{len(log.doubtful)} entries of the log may have been replaced by lost ones"
        )
    for segment in directory.log.segments:
        if segment.stop is not None and segment.stop.kind is StopKind.UNREADABLE:
            yield _finding(f"the disk does not give all of {segment.name}", "Copy the disk now.")
    state = database.state if database is not None else None
    if state is not None and directory.log.segments and log.last_index < state.consistent_index:
        yield _finding(
            f"the log ends at {log.last_index}, before its own database at "
            f"{state.consistent_index}: its end is lost"
        )


def _about_snaps(directory: Directory) -> Iterator[FindingResult]:
    for file in directory.snaps:
        if file.damage is not None:
            yield _finding(f"{file.name} is damaged: {file.damage}")
    for index, facts in directory.snap_dbs.items():
        if not facts.sound:
            why = "damaged" if facts.cut is None else f"cut short: {facts.cut}"
            yield _finding(f"{index:016x}.snap.db, which a leader sent, is {why}")


def _about_members(
    directory: Directory, members: Sequence[MemberRow], release: Release | None
) -> Iterator[FindingResult]:
    old = release is not None and not release.members_from_database
    advice = (
        "Before an upgrade to 3.6, run 3.5.26 or later on every member: it writes the list anew."
        if old
        else None
    )
    for row in members:
        if row.difference is not None:
            yield _finding(f"the two lists of members differ: {row.difference}", advice)
    own = directory.member_id
    if own is not None and any(row.id == own and row.removed for row in members):
        yield _finding("this member was removed from the cluster", "Add it anew, with empty disks.")


def _about_alarms(database: DatabaseFacts | None) -> Iterator[FindingResult]:
    state = database.state if database is not None else None
    for alarm in state.alarms if state is not None else ():
        yield _finding(f"the alarm {alarm.kind} is raised for member {alarm.member_id:x}")


def _about_v2(directory: Directory, release: Release | None) -> Iterator[FindingResult]:
    """Tell what a later minor refuses; where this one does, the prediction says it."""
    if release is not None and release.refuses_v2:
        return
    held = [
        file.name for file in directory.snaps if file.snap is not None and file.snap.has_v2_data
    ]
    if held:
        yield _finding(f"{held[-1]} holds keys or users of the v2 API", versions.V2_CONTENT.fix)
    foreign = sum(
        isinstance(request, V2Request) and not is_etcds_own(request)
        for segment in directory.log.segments
        for request in segment.requests.values()
    )
    if foreign:
        requests = counted(foreign, "request", "requests")
        what = f"the log holds {requests} of the v2 API, which 3.6 refuses"
        yield _finding(what, versions.V2_ENTRIES.fix)


def _about_files(whole: WholeDir) -> Iterator[FindingResult]:
    if whole.disk.free < SPACE_MIN:
        yield _finding(f"only {binary_size(whole.disk.free)} are free on its disk")
    owners = sorted({(f.stat.uid, f.stat.gid) for f in whole.files if f.leftover is None})
    if len(owners) > 1:
        shown = ", ".join(f"{uid}:{gid}" for uid, gid in owners)
        yield _finding(
            f"its files belong to different users ({shown}): etcd may not open those of others",
            "Give all of them to etcd's user with `chown -R`.",
        )
    for file in _unwritable(whole.files):
        yield _finding(
            f"its owner may not read and write {file.path}", "Mend it with `chmod u+rw`."
        )
    for file in whole.files:
        if file.name == "member" and file.stat.mode & _GROUP_AND_OTHERS:
            mode = f"{file.stat.mode:04o}"
            yield _finding(f"{file.path} has mode {mode}: others may read it", "etcd uses 0700.")


def _unwritable(files: Sequence[FoundFile]) -> Iterator[FoundFile]:
    wanted = {"file": 0o600, "dir": 0o700}
    for file in files:
        needed = wanted.get(file.stat.kind, 0)
        if file.leftover is None and file.stat.mode & needed != needed:
            yield file
