"""The files that the other tests compare are what they are meant to be."""

import pytest
from etcd_files import QUOTA, SIZES, Recorded

from requorum.formats.auth_store import Permission, read_auth_store
from requorum.formats.backend import read_leases
from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.columns import FileBytes
from requorum.formats.kv_columns import kv_columns
from requorum.formats.records import scan_all
from requorum.formats.source import BufferSource

pytestmark = pytest.mark.etcd


def test_everything_is_in_it(recorded: Recorded) -> None:
    """A learner, a removed member, both alarms, auth, leases, tombstones, values of every size."""
    state = recorded.state("everything")
    assert sorted(member.is_learner for member in state.members) == [False, True]
    assert len(state.removed_members) == 1
    assert sorted(alarm.kind for alarm in state.alarms) == ["CORRUPT", "NOSPACE"]
    assert state.auth_enabled
    database = Database(BufferSource(recorded.files["everything"].read_bytes()))
    file = FileBytes(database.source)
    records = scan_all(database, file)
    sizes = set(kv_columns(file, records).value_size.tolist())
    assert {*SIZES[:6], 1 << 20} <= sizes
    assert records.tombstone.any()
    assert database.source.size > QUOTA
    assert len(list(read_leases(database))) == 5


def test_users_and_roles(recorded: Recorded) -> None:
    """They are read as they were made, of every minor."""
    data = recorded.files["everything"].read_bytes()
    store = read_auth_store(Database(BufferSource(data)))
    assert store.enabled
    assert store.revision > 5
    assert {user.name: user.roles for user in store.users} == {
        "root": ("root",),
        "app": ("reader",),
    }
    assert {role.name: role.permissions for role in store.roles} == {
        "root": (),
        "reader": (
            Permission("READWRITE", b"/one", b""),
            Permission("READ", b"/registry/", b"/registry0"),
        ),
    }
    assert b"$2a$" in data
    assert "$2a$" not in str(store)


def test_a_compaction_was_interrupted(recorded: Recorded) -> None:
    """By our reading, and by what the member itself logged when it was started again."""
    for name in ("interrupted", "killed"):
        state = recorded.state(name)
        assert (state.finished_compact_revision, state.scheduled_compact_revision) == (2, 41)
        assert state.compact_revision == 41
    assert "resume scheduled compaction" in recorded.resumed
    assert "finished scheduled compaction" in recorded.resumed


def test_a_bumped_revision(recorded: Recorded) -> None:
    """Restored with a bumped revision, which is marked as compacted; not every release can."""
    if "bumped" not in recorded.files:
        pytest.skip(f"etcd {recorded.bin_dir.name} has no --bump-revision")
    before, after = recorded.state("everything"), recorded.state("bumped")
    assert after.current_revision == before.current_revision + 1_000_000
    assert after.scheduled_compact_revision == after.current_revision
