"""A start of etcd, step by step in its own order, on facts instead of files.

Source: etcd v3.4.45 and v3.5.33 server/etcdserver/server.go (NewServer), v3.6.14 and v3.7.1
server/etcdserver/bootstrap.go. 3.4 and 3.5 look at the database's content when the log is read,
later ones before; what differs besides is in `requorum.inspection.boot.release`.
"""

from dataclasses import dataclass, field

from requorum.domain.signatures import database, log, membership
from requorum.inspection.boot.course import Course, Ended, end
from requorum.inspection.boot.database_at_start import (
    check_storage_version,
    open_database,
    restore_records,
)
from requorum.inspection.boot.database_facts import NO_DATABASE, DatabaseFacts
from requorum.inspection.boot.directory import Directory
from requorum.inspection.boot.members_at_start import check_own_membership, recover_members
from requorum.inspection.boot.prediction import Outcome, Prediction, Replay
from requorum.inspection.boot.release import Release
from requorum.inspection.boot.replay_at_start import (
    apply_log,
    replay_of,
    take_up_log,
    warn_of_a_short_log,
)
from requorum.inspection.boot.snapshot_at_start import (
    Chosen,
    check_index,
    choose_snapshot,
    recover_from_snapshot,
)
from requorum.inspection.boot.wal_at_start import (
    START,
    LogRead,
    WalFault,
    mended,
    read_all,
    valid_snapshots,
)
from requorum.inspection.boot.written_by import written_by


def predict(directory: Directory, release: Release) -> Prediction:
    """Return what that release would do with the directory."""
    return _Boot(directory, release).predict()


@dataclass(slots=True)
class _Boot:
    directory: Directory
    release: Release
    course: Course = field(default_factory=Course)
    replay: Replay | None = None

    def predict(self) -> Prediction:
        try:
            outcome, why = self._start()
        except Ended as ended:
            return Prediction(
                release=self.release,
                outcome=Outcome.WAITS if ended.signature is database.DB_IN_USE else Outcome.FAILS,
                why=ended.why,
                signature=ended.signature,
                log_line=ended.log_line,
                alternatives=ended.alternatives,
                when=ended.when,
                changes=tuple(self.course.changes),
                warnings=tuple(self.course.warnings),
                replay=self.replay,
            )
        return Prediction(
            release=self.release,
            outcome=outcome,
            why=why,
            changes=tuple(self.course.changes),
            warnings=tuple(self.course.warnings),
            replay=self.replay,
        )

    def _start(self) -> tuple[Outcome, str]:
        self._enter()
        db = self.directory.database or NO_DATABASE
        open_database(db, self.release, self.course)
        if not self.directory.log.present:
            return self._start_anew()
        chosen = self._choose_snapshot()
        db = recover_from_snapshot(self.directory, db, chosen, self.release, self.course)
        read = self._recover(db, chosen)
        return self._serve(read, db)

    def _enter(self) -> None:
        if self.directory.has_member and self.directory.has_proxy:
            end(membership.MEMBER_AND_PROXY, "there is a proxy directory beside member")
        if self.directory.in_use:
            end(database.DB_IN_USE, "a process holds the database or the log")
        if self.directory.litter:
            names = ", ".join(self.directory.litter)
            self.course.change(f"remove what an earlier run left: {names}", repair=False)

    def _start_anew(self) -> tuple[Outcome, str]:
        if self.directory.empty:
            return Outcome.ANEW, "there is no data: it makes a new member, or joins a cluster"
        self.course.warn(
            "its log is gone: with --initial-cluster-state=new etcd begins another log on the old "
            "database, in which every write up to its old index is taken for written already and "
            "is lost; with existing it wants to join, and fails where nobody answers "
            f"({membership.NO_CLUSTER_TO_JOIN.id})"
        )
        return Outcome.ANEW, "there is no WAL, so etcd takes it for a directory without a member"

    def _choose_snapshot(self) -> Chosen | None:
        segments = self.directory.log.segments
        if not segments:
            names = ", ".join(self.directory.log.misnamed)
            end(
                log.WAL_FILE_NOT_FOUND,
                f"no .wal file has a name that says its place in the log: {names}",
                line="wal: file not found",
            )
        marks = valid_snapshots(segments, self.release)
        if isinstance(marks, WalFault):
            end(marks.signature, f"WAL {marks.place}", line=marks.text)
        return choose_snapshot(self.directory, marks, self.release, self.course)

    def _recover(self, db: DatabaseFacts, chosen: Chosen | None) -> LogRead:
        """Read log and database; which of them first is what the releases differ in."""
        snap = chosen.snap if chosen is not None else None
        if self.release.members_from_database:
            check_index(db, chosen)
            check_storage_version(db, self.release)
        elif self.release.minor == (3, 4) and chosen is not None:
            restore_records(db, self.release)
        read = self._read_log(chosen)
        if chosen is None and not self.release.loads_snap_files:
            end(log.WAL_WITHOUT_MARK, "its log marks no snapshot, not even the empty first one")
        take_up_log(read)
        self.replay = replay_of(read, db)
        recover_members(self.directory, db, snap, self.release, self.course)
        if not self.release.members_from_database:
            check_storage_version(db, self.release)
        restore_records(db, self.release)
        check_index(db, chosen)
        return read

    def _read_log(self, chosen: Chosen | None) -> LogRead:
        segments = self.directory.log.segments
        start = chosen.mark if chosen is not None else START
        read = read_all(segments, start, self.release)
        if isinstance(read, WalFault) and (whole := mended(segments, read)) is not None:
            self.course.change(
                f"copy {read.segment} to {read.segment}.broken and cut it off at byte {read.offset}"
            )
            read = read_all(whole, start, self.release)
        if isinstance(read, WalFault):
            end(read.signature, f"WAL {read.place}", line=read.text)
        if segments[-1].zeroed_behind and segments[-1].stop is None:
            self.course.change(
                f"overwrite with zeros what follows byte {segments[-1].end} of {segments[-1].name}"
            )
        return read

    def _serve(self, read: LogRead, db: DatabaseFacts) -> tuple[Outcome, str]:
        apply_log(read, self.directory, self.release)
        check_own_membership(self.directory, db, self.release)
        if warn_of_a_short_log(read, db, self.course):
            return Outcome.BEHIND, "its log lacks entries that its database holds"
        waiting = "" if self.directory.single else "; it serves once a quorum of members runs"
        but = f"{waiting}{self._skipped_minors()}"
        if self.course.repaired:
            return Outcome.AFTER_REPAIR, f"etcd mends what it finds, and starts{but}"
        return Outcome.STARTS, f"nothing stands in its way{but}"

    def _skipped_minors(self) -> str:
        """Return a warning where it starts, and nobody promises that it is right."""
        wrote = written_by(self.directory)
        if wrote is None:
            return ""
        major, minor = wrote.minor
        if self.release.minor <= (major, minor + 1):
            return ""
        return f"; yet the data is of {major}.{minor}: etcd goes up minor by minor"
