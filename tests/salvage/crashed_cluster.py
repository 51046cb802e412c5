"""A real three-member cluster with users, killed under load; and what its writers were promised."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from requorum.clients.etcd.client import connect as connect_etcd
from requorum.formats.backend import BackendState
from requorum.formats.source import BufferSource
from requorum.inspection.database import read_etcd_backend
from requorum.lab import practice
from requorum.lab.damage.sparse import copy_tree_sparse
from requorum.lab.layout import Lab
from requorum.lab.load import Load
from requorum.lab.obtain.command import run
from requorum.lab.oracle import read_promises
from requorum.lab.process import frozen
from requorum.lab.promises import Promises
from requorum.lab.salvage_trials.recorded import Member, Recorded, db_of
from requorum.ports.etcd import Etcd, PutOp

ROOT = ("root", "open-sesame")
DEADLINE = 30.0

COPIED_AT, COMPACTED_AT, KILLED_AT = 200, 500, 1000
"""Acknowledgements after which it happens."""

Connect = Callable[[str], Etcd]


def as_root(url: str) -> Etcd:
    """Connect as the root user."""
    return connect_etcd(url, tls=None, credentials=ROOT)


def as_nobody(url: str) -> Etcd:
    """Connect without a user."""
    return connect_etcd(url, tls=None, credentials=None)


@dataclass(frozen=True)
class CrashedCluster:
    """What one crash left. Nobody may change its files.

    `older_db` is the db of one member as it was before the history was compacted; `acks` are the
    writers' records.
    """

    minor: str
    recorded: Recorded
    older_db: Path
    acks: Path

    @cached_property
    def older_state(self) -> BackendState:
        """Return what the older db says of itself."""
        return read_etcd_backend(BufferSource(self.older_db.read_bytes()))

    @cached_property
    def promises(self) -> Promises:
        """Return what was acknowledged."""
        return read_promises(self.acks)

    def copies(self, directory: Path) -> dict[str, Path]:
        """Return copies of all data directories, by member, to be damaged."""
        copies = {name: directory / name for name in self.recorded.members}
        for name, member in self.recorded.members.items():
            copy_tree_sparse(member.data_dir, copies[name])
        return copies


def crash_cluster(minor: str, bin_dir: Path, directory: Path) -> CrashedCluster:
    """Make one."""
    # Logging in is not what takes time here.
    lab = practice.up(directory / "lab", bin_dir=bin_dir, extra_flags=["--bcrypt-cost=4"])
    older_db = directory / "older.db"
    try:
        asyncio.run(_load_until_killed(lab, older_db))
    finally:
        practice.crash(lab.directory)
    members = {}
    for name in lab.names:
        copy_tree_sparse(lab.data_dir(name), directory / "crashed" / name)
        members[name] = Member(directory / "crashed" / name)
    return CrashedCluster(minor, Recorded(minor, members), older_db, lab.acks)


async def _load_until_killed(lab: Lab, older_db: Path) -> None:
    await practice.wait_ready(lab, as_nobody, deadline=DEADLINE)
    await asyncio.to_thread(_enable_auth, lab)
    load = Load(lab.client_urls, as_root, lab.acks, writers=12, seed=7, compact=False)
    running = asyncio.create_task(load.run())
    try:
        await load.reached(COPIED_AT, deadline=DEADLINE)
        await asyncio.to_thread(_copy_db, lab, older_db)
        await load.reached(COMPACTED_AT, deadline=DEADLINE)
        await _compact(lab)
        await load.reached(KILLED_AT, deadline=DEADLINE)
        await asyncio.to_thread(practice.crash, lab.directory)
    finally:
        load.stop()
        async with asyncio.timeout(DEADLINE):
            await running


def _enable_auth(lab: Lab) -> None:
    """Make a root user, and another one who may read; from then on nobody else may do anything."""
    user, password = ROOT
    for words in (
        ("user", "add", f"{user}:{password}", "--interactive=false"),
        ("role", "add", "root"),
        ("user", "grant-role", user, "root"),
        ("user", "add", "reader:let-me-in", "--interactive=false"),
        ("role", "add", "readers"),
        ("role", "grant-permission", "readers", "read", "load/", "load0"),
        ("user", "grant-role", "reader", "readers"),
        ("auth", "enable"),
    ):
        argv = [str(lab.bin_dir / "etcdctl"), f"--endpoints={lab.client_urls[0]}", *words]
        # 3.6 and later warn of a variable that they do not know.
        env = {"ETCDCTL_API": "3"} if lab.etcd_version.startswith("3.4.") else None
        run(argv, deadline=DEADLINE, env=env)


def _copy_db(lab: Lab, target: Path) -> None:
    """Copy a db as somebody does who copies the file of a member that runs, but in one moment."""
    name = lab.names[1]
    process = practice.member_process(lab, name)
    assert process is not None
    with frozen(process):
        shutil.copyfile(db_of(lab.data_dir(name)), target)


async def _compact(lab: Lab) -> None:
    """Compact, and wait until it is done; revoke a lease with its key, which is gone then."""
    etcd = as_root(lab.client_urls[0])
    try:
        lease = await etcd.grant_lease(3600, deadline=DEADLINE)
        put = await etcd.put(PutOp(b"leased/until-revoked", b"1", lease), deadline=DEADLINE)
        # At a put: whether a tombstone outlives a compaction at its revision is up to the release.
        await etcd.compact(put.revision, physical=True, deadline=DEADLINE)
        await etcd.revoke_lease(lease, deadline=DEADLINE)
    finally:
        await etcd.close()
