"""`inspect diff` on what real etcd of every minor writes."""

import asyncio
import functools
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from etcd_data import RunningEtcd

from requorum.app.inspect.diff.inspect_diff import compared
from requorum.app.inspect.diff.results import DiffResult
from requorum.inspection.difference.compare import Wishes
from requorum.inspection.difference.keys import KeyFilter
from requorum.lab.layout import Lab
from requorum.lab.practice import crash, wait_ready
from requorum.ports.etcd import Etcd, PutOp

pytestmark = pytest.mark.etcd

StartPractice = Callable[..., Lab]

PODS = [(f"/registry/pods/default/web-{n}", "k8s") for n in range(300)]


@dataclass(frozen=True)
class Recorded:
    """Snapshots of one store, and of two that were restored from its first and went on alone.

    `monday` and `tuesday` are days of one store, `compacted` is tuesday's after a compaction;
    `data_dir` is the stopped member's. `changed` is what was changed from monday to tuesday.
    """

    monday: Path
    tuesday: Path
    compacted: Path
    data_dir: Path
    forks: tuple[Path, Path]
    monday_revision: int
    changed: dict[str, str]


def record(binaries: Path, directory: Path) -> Recorded:
    """Write, snapshot, change, snapshot, compact, snapshot; then restore the first twice."""
    files = {name: directory / f"{name}.db" for name in ("monday", "tuesday", "compacted")}
    etcd = RunningEtcd(binaries, directory)
    try:
        lease = etcd.ctl("lease", "grant", "3600").split()[1]
        etcd.put_many(PODS)
        for key in ("/app/config", "/app/same", "/app/leased", "/app/gone", "/app/back"):
            etcd.ctl("put", key, "1")
        etcd.ctl("snapshot", "save", str(files["monday"]))
        monday_revision = etcd.hash_kv(0)[2]
        etcd.ctl("put", "/app/config", "2")
        etcd.ctl("put", "/app/same", "1")
        etcd.ctl("put", f"--lease={lease}", "/app/leased", "1")
        etcd.ctl("del", "/app/gone")
        etcd.ctl("del", "/app/back")
        etcd.ctl("put", "/app/back", "1")
        etcd.ctl("put", "/registry/services/specs/default/web", "new")
        etcd.ctl("del", "--prefix", "/registry/pods/default/web-29")
        etcd.ctl("put", "/never", "there")
        etcd.ctl("del", "/never")
        etcd.ctl("snapshot", "save", str(files["tuesday"]))
        etcd.ctl("compact", str(etcd.hash_kv(0)[2]), "--physical")
        etcd.ctl("snapshot", "save", str(files["compacted"]))
    finally:
        etcd.stop()
    forks = tuple(restored(binaries, directory / name, files["monday"], key) for name, key in FORKS)
    changed = {
        "/app/config": "changed",
        "/app/same": "rewritten",
        "/app/leased": "rewritten",
        "/app/back": "rewritten",
        "/app/gone": "removed",
        "/registry/services/specs/default/web": "added",
    }
    changed |= {key: "removed" for key, _ in PODS if "/web-29" in key}
    data_dir = etcd.db.parents[2]
    return Recorded(
        **files, data_dir=data_dir, forks=(forks[0], forks[1]),
        monday_revision=monday_revision, changed=changed,
    )  # fmt: skip  # one line each


FORKS = (("one", "/app/one"), ("two", "/app/two"))


def restored(binaries: Path, directory: Path, snapshot: Path, key: str) -> Path:
    """Restore a snapshot, write one key more, and return the snapshot of that."""
    tool = binaries / "etcdutl"
    command = [str(tool if tool.exists() else binaries / "etcdctl"), "snapshot", "restore"]
    directory.mkdir()
    subprocess.run(
        [*command, str(snapshot), f"--data-dir={directory / 'data'}"],
        check=True, capture_output=True, env={**os.environ, "ETCDCTL_API": "3"},
    )  # fmt: skip  # options in one line
    etcd = RunningEtcd(binaries, directory)
    try:
        etcd.ctl("put", key, "1")
        etcd.ctl("put", "/app/both", "1")
        etcd.ctl("snapshot", "save", str(directory / "fork.db"))
    finally:
        etcd.stop()
    return directory / "fork.db"


@pytest.fixture(scope="session")
def recorded(
    etcd_binaries: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Recorded]:
    """Return a function: minor → what was recorded of it, once a session."""

    @functools.cache
    def of(minor: str) -> Recorded:
        return record(etcd_binaries(minor), tmp_path_factory.mktemp(f"diff-{minor}"))

    return of


async def diff(a: Path, b: Path, wishes: Wishes | None = None) -> DiffResult:
    """Compare two places, every key named."""
    wishes = wishes or Wishes(of_each_kind=None)
    async with compared(str(a), str(b), wishes, values=False, on_stage=lambda _: None) as found:
        return found.whole()


def kinds(found: DiffResult) -> dict[str | None, str]:
    """Return what became of each key."""
    return {each.key: each.kind for each in found.keys}


async def test_exactly_what_was_changed(
    recorded: Callable[[str], Recorded], etcd_minor: str
) -> None:
    """Between two snapshots of one store, nothing more and nothing less."""
    days = recorded(etcd_minor)
    found = await diff(days.monday, days.tuesday)
    assert kinds(found) == days.changed
    assert (found.histories.relation, found.histories.parted_at) == ("b-ahead", None)
    assert found.histories.last_compared == days.monday_revision
    assert {(r.resource, r.counts.added, r.counts.removed) for r in found.resources} == {
        ("pods", 0, 11),
        ("services", 1, 0),
    }
    assert (found.a.damage_count, found.b.damage_count, found.notes) == (0, 0, ())


async def test_a_compaction_changes_no_key(
    recorded: Callable[[str], Recorded], etcd_minor: str
) -> None:
    """What one side forgot is no difference; compared is what both have."""
    days = recorded(etcd_minor)
    found = await diff(days.tuesday, days.compacted)
    assert (found.outcome, found.histories.relation) == ("same", "same")
    assert found.b.compact_revision == found.a.current_revision
    older = await diff(days.monday, days.compacted)
    assert kinds(older) == days.changed
    assert older.histories.relation == "unproven"


async def test_an_older_state(recorded: Callable[[str], Recorded], etcd_minor: str) -> None:
    """Tuesday's file at Monday's revision is Monday's."""
    days = recorded(etcd_minor)
    then = Wishes(b_revision=days.monday_revision, of_each_kind=None)
    assert (await diff(days.monday, days.tuesday, then)).outcome == "same"


async def test_a_snapshot_and_the_data_directory(
    recorded: Callable[[str], Recorded], etcd_minor: str
) -> None:
    """The stopped member holds what its last snapshot does."""
    days = recorded(etcd_minor)
    found = await diff(days.compacted, days.data_dir)
    assert (found.outcome, found.b.kind) == ("same", "data-directory")
    assert found.b.wal is not None
    # 3.4 does not write down that it applied a compaction, which is the last entry here.
    assert (found.b.wal.entries, found.b.wal.damaged) == (int(etcd_minor == "3.4"), False)


async def test_histories_that_part(recorded: Callable[[str], Recorded], etcd_minor: str) -> None:
    """Two clusters of one snapshot part at the first revision that each wrote alone."""
    days = recorded(etcd_minor)
    found = await diff(*days.forks)
    histories = found.histories
    assert histories.relation == "parted"
    assert (histories.parted_at, histories.parted_before) == (days.monday_revision + 1, False)
    assert [(c.kind, c.key) for c in histories.a_changes] == [("put", "/app/one")]
    assert [(c.kind, c.key) for c in histories.b_changes] == [("put", "/app/two")]
    assert kinds(found) == {"/app/one": "removed", "/app/two": "added"}
    restored_since = await diff(days.monday, days.forks[0])
    assert restored_since.histories.relation == "b-ahead"


async def test_keys_are_chosen(recorded: Callable[[str], Recorded], etcd_minor: str) -> None:
    """By prefix, and without what is excluded."""
    days = recorded(etcd_minor)
    chosen = KeyFilter(b"/registry/", (b"/registry/services/",))
    found = await diff(days.monday, days.tuesday, Wishes(keys=chosen, of_each_kind=None))
    assert set(kinds(found)) == {key for key in days.changed if key.startswith("/registry/pods")}


async def test_members_of_one_cluster(
    practice_cluster: StartPractice, connect: Callable[[str], Etcd]
) -> None:
    """Each member's snapshot holds the same; after a crash a db may lag, but nothing parts."""
    lab = practice_cluster("3.6")
    await wait_ready(lab, connect, deadline=60)
    etcd = connect(lab.client_urls[0])
    for number in range(200):
        await etcd.put(PutOp(b"/k/%d" % (number % 50), b"%d" % number), deadline=10)
    saved = [await snapshot_of(lab, number, connect) for number in range(3)]
    for other in saved[1:]:
        found = await diff(saved[0], other)
        assert (found.outcome, found.histories.relation) == ("same", "same")
    for number in range(200):
        await etcd.put(PutOp(b"/k/%d" % (number % 50), b"%d" % number), deadline=10)
    await etcd.close()
    crash(lab.directory)
    first, *others = (lab.data_dir(name) for name in lab.names)
    for other in others:
        found = await diff(first, other)
        assert found.histories.relation in {"same", "a-ahead", "b-ahead"}
        for side in (found.a, found.b):
            assert side.wal is not None
            assert side.current_revision + side.wal.entries >= 401


async def snapshot_of(lab: Lab, number: int, connect: Callable[[str], Etcd]) -> Path:
    """Return a snapshot of one member once it has applied all that was written."""
    url = lab.client_urls[number]
    etcd = connect(url)
    await etcd.get(b"\0", deadline=30)  # linearizable: the member has caught up when it answers
    await etcd.close()
    path = lab.directory / f"{number}.db"
    command = [str(lab.bin_dir / "etcdctl"), f"--endpoints={url}", "snapshot", "save", str(path)]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    return path
