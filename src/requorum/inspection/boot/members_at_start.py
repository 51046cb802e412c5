"""Who etcd takes for the members when it starts, and which version for the cluster's.

Up to 3.5 the v2 store says it, which comes out of the .snap file; from 3.6 on the database.
Source: etcd server/etcdserver/api/membership/cluster.go (Recover), .../downgrade.go.
"""

from requorum.domain.ids import hex_id
from requorum.domain.signatures import database, membership, versions
from requorum.domain.version import EtcdVersion
from requorum.formats.backend import BackendMember
from requorum.formats.snap import Snap
from requorum.inspection.boot.course import Course, end
from requorum.inspection.boot.database_facts import DatabaseFacts
from requorum.inspection.boot.directory import Directory
from requorum.inspection.boot.release import Release

ITS_OWN_NAME = "as soon as a leader lets it announce itself"
FROM_ITS_PEERS = "as soon as it hears from its peers"
_LEARNERS_MAX = 1


def recover_members(
    directory: Directory, db: DatabaseFacts, snap: Snap | None, release: Release, course: Course
) -> None:
    """Check the versions, the database's presence, and how many learners there are."""
    version = _cluster_version(db, snap, release)
    if version is not None:
        _check_cluster_version(version, db, release)
        if directory.database is None:
            _refuse_missing_database(directory, course)
    if release.members_from_database:
        _check_learners(db, snap)


def _cluster_version(db: DatabaseFacts, snap: Snap | None, release: Release) -> EtcdVersion | None:
    if release.members_from_database:
        text = db.state.cluster_version if db.state is not None else None
    else:
        text = snap.cluster_version if snap is not None else None
    return EtcdVersion.parse(text) if text else None


def _check_cluster_version(version: EtcdVersion, db: DatabaseFacts, release: Release) -> None:
    downgrade = db.state.downgrade if db.state is not None else None
    if release.minor == (3, 5) and downgrade is not None and downgrade.enabled:
        target = EtcdVersion.parse(downgrade.target_version)
        if target is not None and target.minor_series == release.minor:
            return
        end(
            versions.NOT_THE_DOWNGRADE_TARGET,
            f"a downgrade to {downgrade.target_version} is under way",
        )
    refuse_older_server(version, release)


def refuse_older_server(version: EtcdVersion, release: Release, *, when: str | None = None) -> None:
    """End where the cluster's version is above the server's."""
    if version.minor_series <= release.minor:
        return
    why = f"the cluster's version is {version.major}.{version.minor}"
    if when is None:
        end(versions.SERVER_TOO_OLD, why)
    end(versions.SERVER_TOO_OLD, why, when=when)


def _refuse_missing_database(directory: Directory, course: Course) -> None:
    if directory.snap_dbs:
        course.warn("etcd removes the database again that it has just renamed: copy it first")
        course.change("remove db")
    end(database.DB_MISSING, "there is a log, and no database")


def _check_learners(db: DatabaseFacts, snap: Snap | None) -> None:
    """Count learners, after 3.6 has mended those whose promotion the .snap file knows of."""
    promoted = {m.id for m in snap.members if not m.is_learner} if snap is not None else set()
    learners = [m.id for m in _members(db) if m.is_learner and m.id not in promoted]
    if len(learners) > _LEARNERS_MAX:
        names = ", ".join(hex_id(i) for i in learners)
        end(membership.TOO_MANY_LEARNERS, f"its database lists {len(learners)} learners: {names}")


def check_own_membership(directory: Directory, db: DatabaseFacts, release: Release) -> None:
    """End where the member does not belong to the cluster any more, or never did."""
    own = directory.member_id
    if own is None:
        return
    if own in _removed(directory, db, release):
        why = f"this member, {hex_id(own)}, was removed from the cluster"
        end(membership.MEMBER_REMOVED, why, when=FROM_ITS_PEERS)
    members = {m.id for m in _members(db)}
    if release.members_from_database and members and own not in members:
        listed = ", ".join(hex_id(i) for i in sorted(members))
        why = f"its database lists the members {listed}, and not its own, {hex_id(own)}"
        end(membership.MEMBER_UNKNOWN, why, when=ITS_OWN_NAME)


def _members(db: DatabaseFacts) -> tuple[BackendMember, ...]:
    return db.state.members if db.state is not None else ()


def _removed(directory: Directory, db: DatabaseFacts, release: Release) -> frozenset[int]:
    if release.members_from_database:
        return frozenset(db.state.removed_members if db.state is not None else ())
    return frozenset(i for f in directory.snaps if f.snap is not None for i in f.snap.removed)
