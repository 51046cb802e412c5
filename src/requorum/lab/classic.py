"""The classic procedure, as operators do it: the database with the highest revision, everywhere.

`snapshot status` of every member's db, `snapshot restore --skip-hash-check` of the one with the
highest revision onto every member, start. It takes no notice of the log.
"""

import asyncio
import json
from pathlib import Path

from requorum.domain.binaries import EtcdBinaries
from requorum.domain.version import EtcdVersion
from requorum.errors import DamagedInput, ToolUnfit, Unreachable
from requorum.lab.layout import Lab
from requorum.lab.obtain.command import run
from requorum.lab.practice import Connect, start_members, wait_ready

_TOOL_SECONDS = 60.0
_READY_SECONDS = 60.0


async def classic(lab: Lab, connect: Connect) -> str:
    """Recover `lab`, which is down; return the member whose database was taken.

    DamagedInput where no database can be read, Unreachable where the members do not serve.
    """
    binaries = _binaries(lab)
    revisions = {n: await asyncio.to_thread(_revision, lab, n, binaries) for n in lab.names}
    readable = {name: revision for name, revision in revisions.items() if revision is not None}
    if not readable:
        raise DamagedInput("`snapshot status` can read no member's database")
    chosen = max(readable, key=lambda name: readable[name])
    source = _set_aside(lab)[chosen] / "member" / "snap" / "db"
    for name in lab.names:
        await asyncio.to_thread(_restore, lab, name, binaries, source)
    start_members(lab, lab.names)
    await wait_ready(lab, connect, deadline=_READY_SECONDS)
    return chosen


def _binaries(lab: Lab) -> EtcdBinaries:
    version = EtcdVersion.parse(lab.etcd_version)
    if version is None:
        raise Unreachable(f"{lab.etcd_version} is no version of etcd")
    return EtcdBinaries(
        directory=str(lab.bin_dir), version=version, has_etcdutl=version.restores_with_etcdutl
    )


def _revision(lab: Lab, name: str, binaries: EtcdBinaries) -> int | None:
    """Return the revision that `snapshot status` reads in this member's db; None: unreadable."""
    database = lab.data_dir(name) / "member" / "snap" / "db"
    if not database.is_file():
        return None
    argv = binaries.snapshot_status(str(database))
    try:
        answer = run(argv, deadline=_TOOL_SECONDS, env=binaries.env)
    except ToolUnfit:
        return None  # it is damaged, and the tool says so or panics
    return int(json.loads(answer)["revision"])


def _set_aside(lab: Lab) -> dict[str, Path]:
    """Move every data directory out of the way; return where it is now."""
    aside = {name: lab.directory / name / "old" for name in lab.names}
    for name, place in aside.items():
        if lab.data_dir(name).exists():
            lab.data_dir(name).rename(place)
    return aside


def _restore(lab: Lab, name: str, binaries: EtcdBinaries, source: Path) -> None:
    lab.data_dir(name).parent.mkdir(parents=True, exist_ok=True)
    argv = binaries.restore(
        str(source),
        data_dir=str(lab.data_dir(name)),
        name=name,
        initial_cluster={other: lab.peer_url(other) for other in lab.names},
        token=lab.token,
        advertise_peer_url=lab.peer_url(name),
        skip_hash_check=True,
    )
    run(argv, deadline=_TOOL_SECONDS, env=binaries.env)
