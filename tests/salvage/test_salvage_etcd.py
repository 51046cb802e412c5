"""Salvage of what real etcd of each minor left: all that was acknowledged, and nothing else.

Each result is restored and served by the minor that wrote the files, and by another one.
"""

from collections.abc import Callable, Mapping
from itertools import cycle
from pathlib import Path

import pytest
from crashed_cluster import Connect, CrashedCluster, as_nobody, as_root
from losses import (
    clear_entries,
    clear_pages,
    clear_revisions,
    clear_root_user,
    large_values,
    lose_db,
    lose_log,
)
from salvaged import (
    Salvaged,
    all_records,
    assert_all_records,
    judged,
    salvage,
    serve,
    unsaid,
)

from requorum.formats.mvcc import Revision
from requorum.lab.oracle import Verdict
from requorum.lab.salvage_trials.recorded import Recorded, db_of
from requorum.lab.salvage_trials.result_file import state_at

pytestmark = pytest.mark.etcd

MINORS = ("3.4", "3.5", "3.6", "3.7")

ServedBy = Callable[..., list[Verdict]]


@pytest.fixture
def served(
    crashed: CrashedCluster, etcd_binaries: Callable[[str], Path], tmp_path: Path
) -> ServedBy:
    """Return a function: serves a result by two minors, and gives both counts.

    `step`: how many minors the other one lies behind the one that wrote the files, in a circle.
    """

    def by_both(result: Salvaged, *, step: int, connect: Connect = as_root) -> list[Verdict]:
        other = MINORS[(MINORS.index(crashed.minor) + step) % len(MINORS)]
        bin_dirs = {minor: etcd_binaries(minor) for minor in (crashed.minor, other)}
        directory = tmp_path / "served"
        return serve(result, crashed.promises, directory, bin_dirs=bin_dirs, connect=connect)

    return by_both


def assert_everything(verdicts: list[Verdict]) -> None:
    """Assert that every acknowledged write is served at its revision, and no other key."""
    for verdict in verdicts:
        assert verdict.clean
        assert verdict.renumbered == ()
        assert verdict.acknowledged >= 1000


def test_undamaged(crashed: CrashedCluster, served: ServedBy, tmp_path: Path) -> None:
    """Everything is in the result, record by record, with the history as far as etcd has it."""
    copies = crashed.copies(tmp_path / "copies")
    result = salvage(copies.values(), tmp_path / "saved.db")
    found = judged(result, crashed.recorded, copies)
    assert found.needed == found.proven
    assert not found.over_cautious
    assert result.said.complete
    assert_all_records(result, crashed.recorded)
    assert result.said.compact_revision == crashed.recorded.truth.compacted
    assert result.file.leases.keys() == crashed.recorded.truth.leases
    assert_everything(served(result, step=1))


def clear_a_third_each(recorded: Recorded, copies: Mapping[str, Path]) -> None:
    """Clear in each db the pages of another third of the history that all of them have."""
    last = min(member.state.current_revision for member in recorded.members.values())
    third = last * 9 // 10 // len(copies)
    for number, (name, member) in enumerate(recorded.members.items()):
        lost = range(2 + number * third, 2 + (number + 1) * third)
        assert clear_revisions(member, db_of(copies[name]), lost)


def test_every_db_damaged_elsewhere_and_a_log_lost(
    crashed: CrashedCluster, served: ServedBy, tmp_path: Path
) -> None:
    """Together they hold everything; two of three logs prove that there was nothing behind."""
    copies = crashed.copies(tmp_path / "copies")
    clear_a_third_each(crashed.recorded, copies)
    lose_log(copies["etcd1"])
    result = salvage(copies.values(), tmp_path / "saved.db")
    judged(result, crashed.recorded, copies)
    assert result.said.complete
    assert all(file.gaps for file in result.said.files)
    assert_all_records(result, crashed.recorded)
    assert_everything(served(result, step=2))


def test_logs_only(crashed: CrashedCluster, served: ServedBy, tmp_path: Path) -> None:
    """They tell everything from the first entry on, users too.

    But for 3.4, whose log has passwords that no hash was made of yet: these users need new ones.
    """
    copies = crashed.copies(tmp_path / "copies")
    for copy in copies.values():
        lose_db(copy)
    hashed = crashed.minor != "3.4"
    result = salvage(copies.values(), tmp_path / "saved.db", code=0 if hashed else 1)
    assert result.said.auth_locked_out != hashed
    if not hashed:
        result = salvage(copies.values(), tmp_path / "open.db", "--auth-off", code=1)
    judged(result, crashed.recorded, copies)
    assert result.said.files == ()
    assert (result.said.lost_count, result.said.doubtful_count) == (0, 0)
    assert set(result.said.users_without_password) == (set() if hashed else {"root", "reader"})
    assert result.said.complete == hashed
    assert_all_records(result, crashed.recorded)
    assert result.file.leases.keys() == crashed.recorded.truth.leases
    assert_everything(served(result, step=3, connect=as_root if hashed else as_nobody))


def assert_newest_database(result: Salvaged, recorded: Recorded) -> None:
    """Assert that all is there that the newest db had, and that all behind it is called lost."""
    last = max(member.state.current_revision for member in recorded.members.values())
    assert result.file.records == all_records(recorded, last=last)
    assert result.lost == ((last + 1, None),)


def test_databases_only(crashed: CrashedCluster, served: ServedBy, tmp_path: Path) -> None:
    """Each is damaged elsewhere: together they hold all that the newest of them had.

    What came after was in the logs alone, and is said to be lost.
    """
    copies = crashed.copies(tmp_path / "copies")
    clear_a_third_each(crashed.recorded, copies)
    for copy in copies.values():
        lose_log(copy)
    result = salvage(copies.values(), tmp_path / "saved.db", code=1)
    judged(result, crashed.recorded, copies)
    assert_newest_database(result, crashed.recorded)
    for verdict in served(result, step=1):
        assert verdict.lost_outside(result.lost) == ()
        assert (verdict.foreign, verdict.renumbered) == ((), ())


def test_values_of_many_pages(crashed: CrashedCluster, served: ServedBy, tmp_path: Path) -> None:
    """A page within such a value has nothing that tells what it was: most copies decide."""
    copies = crashed.copies(tmp_path / "copies")
    members = crashed.recorded.members
    places = {name: large_values(member) for name, member in members.items()}
    common = sorted(set.intersection(*(set(found) for found in places.values())))
    assert len(common) >= len(members)
    for name, main in zip(cycle(members), common, strict=False):
        clear_pages(db_of(copies[name]), {places[name][main]}, members[name].layout.page_size)
    for copy in copies.values():
        lose_log(copy)
    result = salvage(copies.values(), tmp_path / "saved.db", code=1)
    judged(result, crashed.recorded, copies)
    assert [conflict.revision for conflict in result.said.conflicts] == common
    assert all(conflict.settled for conflict in result.said.conflicts)
    assert_newest_database(result, crashed.recorded)
    for verdict in served(result, step=2):
        assert verdict.lost_outside(result.lost) == ()


def test_an_older_db_and_the_end_of_the_logs(
    crashed: CrashedCluster, served: ServedBy, tmp_path: Path
) -> None:
    """The db was copied while its member ran; the logs have lost entries that it had applied."""
    copies = crashed.copies(tmp_path / "copies")
    applied = crashed.older_state.consistent_index
    for name, copy in copies.items():
        lose_db(copy)
        clear_entries(crashed.recorded.members[name], copy, range(10, applied - 10))
    # A log in which something is damaged may have ended later: that much is said, and no more.
    result = salvage([crashed.older_db, *copies.values()], tmp_path / "saved.db", code=1)
    judged(result, crashed.recorded, copies)
    assert result.lost == ((result.said.revision + 1, None),)
    assert result.said.doubtful_count == 0
    assert_all_records(result, crashed.recorded)
    assert_everything(served(result, step=2))


def test_auth_off_where_no_root_is_left(
    crashed: CrashedCluster, served: ServedBy, tmp_path: Path
) -> None:
    """It is said that nobody could administer the cluster; with the flag everybody can."""
    copies = crashed.copies(tmp_path / "copies")
    for copy in copies.values():
        clear_root_user(db_of(copy))
        lose_log(copy)
    locked = salvage(copies.values(), tmp_path / "locked.db", code=1)
    assert (locked.said.auth_enabled, locked.said.auth_locked_out) == (True, True)
    result = salvage(copies.values(), tmp_path / "saved.db", "--auth-off", code=1)
    judged(result, crashed.recorded, copies)
    assert (result.said.auth_enabled, result.said.auth_locked_out) == (False, False)
    assert result.file.rows(b"authUsers").keys() == {b"reader"}
    assert result.file.records == locked.file.records
    for verdict in served(result, step=3, connect=as_nobody):
        assert verdict.lost_outside(result.lost) == ()


def superseded(result: Salvaged, recorded: Recorded) -> set[bytes]:
    """Return the keys that a file has in a state which a compaction has ended."""
    compacted = recorded.truth.compacted
    true = state_at(recorded.truth.records, compacted)
    found = state_at(result.file.records, compacted)
    return {key for key, kv in found.items() if true.get(key) != kv}


def test_proven_only(crashed: CrashedCluster, served: ServedBy, tmp_path: Path) -> None:
    """Without what only an older db knows, as the newer one may have changed or deleted it since.

    Of the newer db nothing is left that lies before its last compaction.
    """
    copies = crashed.copies(tmp_path / "copies")
    name, member = max(crashed.recorded.members.items(), key=lambda m: m[1].state.current_revision)
    clear_revisions(member, db_of(copies[name]), range(crashed.recorded.truth.compacted + 1))
    lose_log(copies[name])
    inputs = [copies[name], crashed.older_db]
    both = salvage(inputs, tmp_path / "both.db", code=1)
    proven = salvage(inputs, tmp_path / "proven.db", "--proven-only", code=1)
    assert both.said.doubtful_count == proven.said.doubtful_left_out > 0
    assert superseded(both, crashed.recorded)
    assert proven.said.doubtful_count == 0
    assert superseded(proven, crashed.recorded) == set()
    doubtful = {Revision(row.revision, row.sub) for row in both.said.doubtful}
    kept = {at: w for at, w in both.file.records.items() if at not in doubtful}
    assert proven.file.records == kept
    left_out = [(at.main, at.main) for at in doubtful]
    for verdict in served(proven, step=1):
        assert unsaid(verdict, [*proven.lost, *left_out]) == []
        assert (verdict.foreign, verdict.renumbered) == ((), ())
