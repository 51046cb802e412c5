"""The prediction on made directories, one reason at a time; `test_boot_prediction` is the proof."""

import made_directories as made
import pytest
from made_directories import database, directory, entry, listed, log_of, mark, snap, state

from requorum.formats.backend import Downgrade
from requorum.formats.bbolt.damage import Damage
from requorum.inspection.boot.boot import predict
from requorum.inspection.boot.directory import Directory
from requorum.inspection.boot.prediction import Outcome, Prediction
from requorum.inspection.boot.release import MINORS, Release

ALL = [str(minor) for minor in MINORS]
EARLY, LATE = ["3.4", "3.5"], ["3.6", "3.7"]


def said(found: Directory, version: str) -> Prediction:
    """Return what that version does."""
    return predict(found, Release.parse(version))


def fails(found: Directory, version: str) -> str:
    """Return the signature with which it fails."""
    prediction = said(found, version)
    assert prediction.outcome is Outcome.FAILS, prediction
    assert prediction.signature is not None
    assert prediction.log_line
    return prediction.signature.id


@pytest.mark.parametrize("version", ALL)
def test_a_sound_directory_starts(version: str) -> None:
    """It goes on from the snapshot, and repeats what the database lacks."""
    found = said(directory(found=database(2)), version)
    assert found.outcome is Outcome.STARTS
    assert not found.changes
    replay = found.replay
    assert replay is not None
    assert (replay.snapshot, replay.consistent_index, replay.commit, replay.last_index) == (
        *(2, 2, 3, 3),
    )
    assert replay.to_apply == 1


@pytest.mark.parametrize("version", ALL)
def test_a_process_that_holds_it(version: str) -> None:
    """It waits for the lock."""
    assert said(directory(in_use=True), version).outcome is Outcome.WAITS


@pytest.mark.parametrize("version", ALL)
def test_without_a_log_it_begins_anew(version: str) -> None:
    """Which is as it should be only where there is no data either."""
    nothing = said(directory(made.read([]), snaps=[], without_database=True), version)
    assert nothing.outcome is Outcome.ANEW
    assert not nothing.warnings
    data = said(directory(made.read([])), version)
    assert data.outcome is Outcome.ANEW
    assert "its log is gone" in data.warnings[0]


@pytest.mark.parametrize("version", ALL)
def test_files_of_other_names_are_no_log(version: str) -> None:
    """They make etcd take the directory for one with a log."""
    assert fails(directory(made.read([], "copy.wal")), version) == "wal-file-not-found"


@pytest.mark.parametrize("version", ALL)
def test_what_the_database_fails_with(version: str) -> None:
    """Not openable; a page; a record; one damaged meta page is only a warning."""
    broken = database(open_error="checksum error")
    assert fails(directory(found=broken), version) == "db-not-openable"
    page = database(damages=[Damage(7, 28672, "page says that it is page 9")])
    assert fails(directory(found=page), version) == "db-page-damaged"
    record = database(damages=[Damage(7, 28800, "the record is not a key-value message")])
    assert fails(directory(found=record), version) == "db-record-damaged"
    meta = said(directory(found=database(metas=made.one_damaged_meta())), version)
    assert meta.outcome is Outcome.STARTS
    assert "one meta page" in meta.warnings[0]


MISSING = Damage(3, 12300, "refers to page 99, behind the end of the file")


@pytest.mark.parametrize("version", ALL)
def test_a_cut_database_is_a_fault_without_words(version: str) -> None:
    """Where bbolt follows a page that is missing, the kernel ends it; the sizes are told."""
    size = 90 * 4096
    cut = said(directory(found=database(size=size, damages=[MISSING])), version)
    assert cut.signature is not None
    assert (cut.signature.id, cut.alternatives) == ("db-cut-short", ())
    assert "SIGBUS" in (cut.log_line or "")
    expected = f"the file ends at byte {size}; its meta page says {made.PAGES_SIZE} bytes"
    assert cut.why == f"the database is cut short: {expected}"


@pytest.mark.parametrize("version", ALL)
def test_a_database_cut_within_a_page(version: str) -> None:
    """Zeros in the place of the rest of a page are met first, or the pages behind it."""
    size = 90 * 4096 + 700
    zeros = Damage(90, size, "zero-length key")
    both = said(directory(found=database(size=size, damages=[MISSING], torn=zeros)), version)
    assert both.signature is not None
    assert both.signature.id == "db-cut-short"
    assert [s.id for s in both.alternatives] == [
        "db-page-damaged",
        "db-record-damaged",
        "snap-db-missing",
    ]
    alone = directory(found=database(size=size, torn=zeros))
    assert fails(alone, version) == "db-page-damaged"
    elsewhere = Damage(7, 28700, "zero-length key")
    assert fails(directory(found=database(size=size, damages=[MISSING, elsewhere])), version) == (
        "db-cut-short"
    )


@pytest.mark.parametrize("version", ALL)
def test_a_cut_that_took_nothing_that_is_used(version: str) -> None:
    """It starts, and it is said what it does not see."""
    for size, words in ((90 * 4096, "nothing leads to"), (90 * 4096 + 9, "reads as zeros")):
        found = said(directory(found=database(size=size)), version)
        assert found.outcome is Outcome.STARTS
        (warning,) = found.warnings
        assert f"the file ends at byte {size}; its meta page says" in warning
        assert words in warning


def test_bbolt_before_1_3_7_does_not_compare_keys() -> None:
    """3.4.24 and 3.5.8 were the first with it."""
    order = database(damages=[Damage(7, 28700, "key is not greater than the one before it")])
    for version in ("3.4.24", "3.5.8", "3.6", "3.7"):
        assert fails(directory(found=order), version) == "db-page-damaged"
    for version in ("3.4.23", "3.5.7"):
        found = said(directory(found=order), version)
        assert found.outcome is Outcome.STARTS
        assert "does not see" in found.warnings[0]


@pytest.mark.parametrize("version", ALL)
def test_damage_that_etcd_does_not_see_is_a_warning(version: str) -> None:
    """It starts, and serves what is wrong."""
    odd = database(damages=[Damage(7, 28700, "element has flags 4")])
    found = said(directory(found=odd), version)
    assert found.outcome is Outcome.STARTS
    assert found.warnings


@pytest.mark.parametrize("version", ALL)
def test_malformed_rows_of_members_matter_from_3_6_on(version: str) -> None:
    """Those of other buckets always do."""
    row = database(damages=[Damage(5, 20500, "bucket members: the row b'a1': it is not JSON")])
    if version in LATE:
        assert fails(directory(found=row), version) == "db-row-damaged"
    else:
        assert said(directory(found=row), version).outcome is Outcome.STARTS
    alarm = database(damages=[Damage(5, 20500, "bucket alarm: the row b'a1': no message")])
    assert fails(directory(found=alarm), version) == "db-row-damaged"


@pytest.mark.parametrize("version", ["3.4", "3.5", "3.6"])
def test_damaged_snapshots_are_renamed_and_the_next_one_taken(version: str) -> None:
    """Only as far as it looks; one that the log does not mark is passed over."""
    log = log_of([entry(1), state(1), mark(1), entry(2), state(2), mark(2), entry(3), state(3)])
    files = [snap(1), snap(2, damage="it is empty"), snap(9)]
    found = said(directory(log, database(3), files), version)
    assert found.outcome is Outcome.AFTER_REPAIR
    damaged = "0000000000000002-0000000000000002.snap"
    assert found.changes == (f"rename {damaged} to {damaged}.broken: it is empty",)
    assert found.replay is not None
    assert found.replay.snapshot == 1


def test_3_7_reads_no_snap_file() -> None:
    """It goes by the newest mark; without any it dies."""
    damaged = [snap(2, damage="it is empty")]
    found = said(directory(snaps=damaged), "3.7")
    assert (found.outcome, found.changes) == (Outcome.STARTS, ())
    log = made.read(made.log_files([entry(1), state(1)]))
    assert fails(directory(log, database(1), []), "3.7") == "wal-without-mark"
    assert said(directory(log, database(1), []), "3.6").outcome is Outcome.STARTS


@pytest.mark.parametrize("version", ALL)
def test_a_database_before_the_snapshot(version: str) -> None:
    """A leader's takes its place; without one, or with an older one, it fails."""
    assert fails(directory(found=database(1)), version) == "snap-db-missing"
    found = said(directory(found=database(1), snap_dbs={2: database(2)}), version)
    assert found.outcome is Outcome.AFTER_REPAIR
    assert found.changes == ("rename 0000000000000002.snap.db to db, over the one that is there",)
    older = directory(found=database(1), snap_dbs={2: database(1)})
    assert fails(older, version) == "db-behind-snapshot"
    broken = directory(found=database(1), snap_dbs={2: database(open_error="checksum error")})
    assert fails(broken, version) == "db-not-openable"


@pytest.mark.parametrize("version", ALL)
def test_without_a_database(version: str) -> None:
    """The log is repeated, unless it begins at a snapshot; a leader's database etcd removes."""
    from_start = log_of([entry(1), entry(2), state(2)])
    found = directory(from_start, snaps=[], without_database=True)
    assert said(found, version).outcome is Outcome.STARTS
    assert fails(directory(without_database=True), version) == "snap-db-missing"
    sent = {2: database(2, version="3.4.0")}
    found = directory(snaps=[snap(version="3.4.0")], without_database=True, snap_dbs=sent)
    prediction = said(found, version)
    assert prediction.signature is not None
    assert prediction.signature.id == "db-missing"
    assert prediction.changes[-1] == "remove db"
    assert "copy it first" in prediction.warnings[0]


@pytest.mark.parametrize("version", ALL)
def test_a_log_that_ends_before_its_database(version: str) -> None:
    """It starts, and forgets what it is told."""
    found = said(directory(found=database(9)), version)
    assert found.outcome is Outcome.BEHIND
    assert "its log ends at 3, its database stands at 9" in found.warnings[0]


@pytest.mark.parametrize("version", ALL)
def test_a_log_before_its_own_commit(version: str) -> None:
    """Raft refuses it."""
    log = log_of([entry(1), entry(2), state(2), mark(2), entry(3), state(8)])
    found = said(directory(log), version)
    assert found.signature is not None
    assert found.signature.id == "state-commit-out-of-range"
    assert found.log_line == "state.commit 8 is out of range [2, 3]"


@pytest.mark.parametrize("version", ALL)
def test_a_log_of_nobody(version: str) -> None:
    """No record says whose it is."""
    log = made.read([("0000000000000000-0000000000000000.wal", b"")])
    expected = "wal-without-mark" if version == "3.7" else "wal-without-member"
    assert fails(directory(log, database(0), []), version) == expected


@pytest.mark.parametrize("version", EARLY)
def test_up_to_3_5_the_cluster_version_is_the_snapshots(version: str) -> None:
    """The database's is not looked at."""
    newer = directory(snaps=[snap(version="3.6.0")])
    assert fails(newer, version) == "server-too-old"
    assert said(directory(found=database(version="3.6.0")), version).outcome is Outcome.STARTS


def test_from_3_6_on_it_is_the_databases() -> None:
    """And the storage version comes before it."""
    assert said(directory(snaps=[snap(version="3.7.0")]), "3.6").outcome is Outcome.STARTS
    assert fails(directory(found=database(version="3.7.0")), "3.6") == "server-too-old"
    both = database(version="3.7.0", storage="3.7.0")
    assert fails(directory(found=both), "3.6") == "storage-too-new"
    assert said(directory(found=database(storage="3.6.0")), "3.7").outcome is Outcome.STARTS


def test_3_4_31_and_later_look_at_the_storage_version() -> None:
    """Earlier ones start on data of 3.6 that has no .snap file."""
    found = directory(found=database(storage="3.6.0"))
    assert fails(found, "3.4.31") == "storage-too-new"
    assert said(found, "3.4.30").outcome is Outcome.STARTS


def test_a_downgrade_under_way() -> None:
    """3.5 starts only if it is the target."""
    for target, signature in (("3.5.0", None), ("3.4.0", "not-the-downgrade-target")):
        going = database(downgrade=Downgrade(enabled=True, target_version=target))
        found = directory(found=going, snaps=[snap(version="3.6.0")])
        prediction = said(found, "3.5")
        if signature is None:
            assert prediction.outcome is Outcome.STARTS
        else:
            assert fails(found, "3.5") == signature


@pytest.mark.parametrize("version", ALL)
def test_the_version_that_replay_sets(version: str) -> None:
    """Through the v2 API all but 3.7 see it; through the v3 API all but 3.4."""
    v2 = log_of([entry(1), entry(2, data=made.v2_request("/0/version", "3.8.0")), state(2)])
    found = directory(v2, database(2), [])
    assert fails(found, version) == ("v2-entries" if version == "3.7" else "server-too-old")
    v3 = log_of([entry(1), entry(2, data=made.version_set("3.8.0")), state(2)])
    found = directory(v3, database(2), [])
    if version == "3.4":
        assert said(found, version).outcome is Outcome.STARTS
    else:
        assert fails(found, version) == "server-too-old"


def test_what_is_not_committed_comes_later() -> None:
    """Once there is a leader."""
    log = log_of([entry(1), state(1), entry(2, data=made.v2_request("/1/foo"))])
    found = said(directory(log, database(1), []), "3.6")
    assert found.signature is not None
    assert found.signature.id == "v2-entries"
    assert not found.at_once
    assert "entry 2 is committed" in found.when


def test_v2_content() -> None:
    """In a snapshot, in the log; what etcd wrote for itself is another matter."""
    held = directory(snaps=[snap(v2=True)])
    assert said(held, "3.5").outcome is Outcome.STARTS
    assert fails(held, "3.6") == "v2-content"
    assert said(held, "3.7").outcome is Outcome.STARTS
    own = made.v2_request("/0/members/a1/attributes", "{}")
    log = log_of([entry(1), entry(2, data=own), state(2)])
    assert said(directory(log, database(2), []), "3.6").outcome is Outcome.STARTS
    assert fails(directory(log, database(2), []), "3.7") == "v2-entries"


@pytest.mark.parametrize("version", LATE)
def test_a_database_that_does_not_list_its_member(version: str) -> None:
    """It dies as soon as it is to announce itself."""
    found = said(directory(found=database(members=[listed(0xB2)])), version)
    assert found.signature is not None
    assert found.signature.id == "member-unknown"
    assert not found.at_once
    own = database(members=[listed(made.MEMBER), listed(0xB2)])
    assert said(directory(found=own), version).outcome is Outcome.STARTS


def test_a_removed_member() -> None:
    """By the list that its version believes."""
    by_database = directory(found=database(removed=[made.MEMBER]))
    by_snapshot = directory(snaps=[snap(removed=[made.MEMBER])])
    assert fails(by_database, "3.6") == "member-removed"
    assert fails(by_snapshot, "3.5") == "member-removed"
    assert said(by_database, "3.5").outcome is Outcome.STARTS


def test_too_many_learners() -> None:
    """From 3.6 on, by the database."""
    members = [listed(made.MEMBER), listed(2, learner=True), listed(3, learner=True)]
    found = directory(found=database(members=members))
    assert said(found, "3.5").outcome is Outcome.STARTS
    assert fails(found, "3.6") == "too-many-learners"


def test_litter_and_a_proxy() -> None:
    """The first is removed, the second in the way."""
    found = said(directory(litter=("tmp1", "db.tmp.2")), "3.5")
    assert found.outcome is Outcome.STARTS
    assert found.changes == ("remove what an earlier run left: tmp1, db.tmp.2",)
    assert fails(directory(has_proxy=True), "3.6") == "member-and-proxy"


def test_minors_that_are_skipped() -> None:
    """It starts, and nobody promised that it is right."""
    found = said(directory(found=database(version="3.4.0")), "3.6")
    assert found.outcome is Outcome.STARTS
    assert "the data is of 3.4" in found.why
    assert "the data is of" not in said(directory(found=database(version="3.5.0")), "3.6").why
