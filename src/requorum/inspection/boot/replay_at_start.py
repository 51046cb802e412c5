"""Raft takes the log up, and etcd applies what its snapshot does not hold yet.

Source: raft raft.go (loadState), etcd server/etcdserver/server.go (apply, applyEntryNormal),
3.6 apply_v2.go, 3.7 apply/apply.go.
"""

from requorum.domain.signatures import log, versions
from requorum.domain.version import EtcdVersion
from requorum.formats.requests import ClusterVersionSet, Request, V2Request
from requorum.inspection.boot.course import AT_ONCE, Course, end
from requorum.inspection.boot.database_facts import DatabaseFacts
from requorum.inspection.boot.directory import Directory
from requorum.inspection.boot.members_at_start import refuse_older_server
from requorum.inspection.boot.prediction import Replay
from requorum.inspection.boot.release import Release
from requorum.inspection.boot.version_entry import VERSION_PATH
from requorum.inspection.boot.wal_at_start import LogRead

_MEMBERS_PATH = "/0/members/"


def take_up_log(read: LogRead) -> None:
    """Start raft on it; there must be a member, and what it wrote down as committed."""
    if read.metadata is None or read.metadata.node_id == 0:
        end(log.WAL_WITHOUT_MEMBER, "no record of its log says which member it is")
    nothing_promised = read.term == read.commit == 0
    if not nothing_promised and not read.start.index <= read.commit <= read.last_index:
        line = f"state.commit {read.commit} is out of range [{read.start.index}, {read.last_index}]"
        why = (
            f"its log ends at {read.last_index}, and says that entries up to {read.commit} were "
            "committed"
        )
        end(log.STATE_COMMIT_OUT_OF_RANGE, why, line=line)


def replay_of(read: LogRead, db: DatabaseFacts) -> Replay:
    """Return where it goes on from."""
    return Replay(
        snapshot=read.start.index,
        consistent_index=db.index,
        commit=read.commit,
        last_index=read.last_index,
    )


def apply_log(read: LogRead, directory: Directory, release: Release) -> None:
    """Apply the entries behind the snapshot that may end it; those not committed come later."""
    for index, request in sorted(read.requests.items()):
        when = AT_ONCE
        if index > read.commit:
            own = "as soon as it leads" if directory.single else "as soon as there is a leader"
            when = f"{own} and entry {index} is committed"
        _apply(index, request, release, when)


def _apply(index: int, request: Request, release: Release, when: str) -> None:
    if isinstance(request, V2Request):
        _apply_v2(index, request, release, when)
    # 3.4 knows no such request, and passes it over.
    elif isinstance(request, ClusterVersionSet) and release.minor > (3, 4):
        _set_version(request.version, release, when)


def is_etcds_own(request: V2Request) -> bool:
    """Return whether 3.4 or 3.5 wrote it for itself: 3.6 still knows those."""
    own = request.path == VERSION_PATH or request.path.startswith(_MEMBERS_PATH)
    return own and request.method == "PUT"


def _apply_v2(index: int, request: V2Request, release: Release, when: str) -> None:
    if not release.decodes_v2_requests:
        why = f"entry {index} is a request of the v2 API, {request.method} {request.path}"
        end(versions.V2_ENTRIES, why, line="unmarshal should never fail", when=when)
    if release.refuses_v2 and not is_etcds_own(request):
        why = f"entry {index} is a request of the v2 API, {request.method} {request.path}"
        end(versions.V2_ENTRIES, why, when=when)
    if request.path == VERSION_PATH and request.method == "PUT":
        _set_version(request.value, release, when)


def _set_version(text: str, release: Release, when: str) -> None:
    version = EtcdVersion.parse(text)
    if version is not None:
        refuse_older_server(version, release, when=when)


def warn_of_a_short_log(read: LogRead, db: DatabaseFacts, course: Course) -> bool:
    """Return whether the log ends before what its own database holds."""
    if read.last_index >= db.index:
        return False
    course.warn(
        f"its log ends at {read.last_index}, its database stands at {db.index}. From a leader that "
        "has the entries between it gets them again, and all is well. But where it leads, or is "
        "alone, what it is told to write at those places is taken for written already, and is "
        "lost; and a leader that never stopped ends it with `tocommit is out of range`"
    )
    return True
