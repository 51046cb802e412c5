"""Which minor of etcd wrote a data directory, by what the directory itself says.

A cluster's version is the lowest minor among its members. A leader has it written into the log,
from where it comes into the database (bucket `cluster`) and, up to 3.5, into the v2 store, which
the .snap files hold. From 3.6 on a database has a storage version besides. All of them lag behind
the log, so what was said last counts: a downgrade lowers it again.

Source: etcd server/etcdserver/server.go (monitorClusterVersions), api/membership/cluster.go
(SetVersion), server/storage/schema.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from requorum.domain.version import EtcdVersion
from requorum.inspection.boot.database_facts import DatabaseFacts
from requorum.inspection.boot.directory import Directory

_UNDECIDED = (3, 0)
"""What a cluster's version is for its first seconds. Source: etcd api/version MinClusterVersion."""


@dataclass(frozen=True, slots=True)
class WrittenBy:
    """The minor, as (3, 5), of the version that was said last; `because` says by what."""

    minor: tuple[int, int]
    because: str


@dataclass(frozen=True, slots=True, order=True)
class _Claim:
    """A version that something says; the greatest claim counts, of equal ones the first.

    `index` is the entry as of which it is said. Of what is said as of the same one the greatest
    version counts: where a downgrade is under way, the storage version is above the cluster's.
    """

    index: int
    version: EtcdVersion
    by: str = field(compare=False)


def written_by(directory: Directory) -> WrittenBy | None:
    """Return which minor wrote the data, None where nothing says it."""
    decided = (c for c in _claims(directory) if c.version.minor_series != _UNDECIDED)
    last = max(decided, default=None)
    if last is None:
        return None
    major, minor = last.version.minor_series
    return WrittenBy((major, minor), f"{last.by} is {major}.{minor}")


def _claims(directory: Directory) -> Iterator[_Claim]:
    for index, text, by in (*_of_databases(directory), *_of_snaps(directory), *_of_log(directory)):
        version = EtcdVersion.parse(text) if text else None
        if version is not None:
            yield _Claim(index, version, by)


_Said = tuple[int, str | None, str]


def _of_databases(directory: Directory) -> Iterator[_Said]:
    if directory.database is not None:
        yield from _of_database(directory.database, "the database")
    for index, facts in directory.snap_dbs.items():
        yield from _of_database(facts, f"{index:016x}.snap.db")


def _of_database(facts: DatabaseFacts, name: str) -> Iterator[_Said]:
    state = facts.state
    if state is not None:
        yield state.consistent_index, state.storage_version, f"the storage version in {name}"
        yield state.consistent_index, state.cluster_version, f"the cluster version in {name}"


def _of_snaps(directory: Directory) -> Iterator[_Said]:
    for file in directory.snaps:
        if file.snap is not None:
            by = f"the cluster version in {file.name}"
            yield file.snap.index, file.snap.cluster_version, by


def _of_log(directory: Directory) -> Iterator[_Said]:
    for index, version in directory.log.versions.items():
        yield index, version, f"the cluster version that entry {index} sets"
