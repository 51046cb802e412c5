"""A salvaged file in the hands of real etcd: restored by its tool, booted, asked, written to."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from requorum.domain.binaries import EtcdBinaries
from requorum.domain.version import EtcdVersion
from requorum.errors import ToolUnfit
from requorum.formats.mvcc import KeyValue
from requorum.lab.layout import Lab, LabMember, write_lab
from requorum.lab.loopback import free_ports
from requorum.lab.obtain.command import etcd_version, run
from requorum.lab.oracle import collect
from requorum.lab.practice import OUR_COMMAND, Connect, crash, start_members, wait_ready
from requorum.lab.salvage_trials.result_file import ResultFile, state_at
from requorum.ports.etcd import DeleteOp, Etcd, PutOp
from requorum.ports.etcd import KeyValue as ServedKeyValue

_NAME = "alone"
_TOOL_SECONDS = 60.0
_READY_SECONDS = 30.0
_CALL_SECONDS = 10.0
_REVISIONS_ASKED = 3
_LEASES_ASKED = 5


async def serve(
    file: Path, result: ResultFile, directory: Path, *, bin_dir: Path, connect: Connect, seed: int
) -> tuple[str, ...]:
    """Return in which way etcd's answers differ from what lies in the file; nothing if in none.

    RequorumError where the file is not restored, or what was restored does not boot.
    """
    async with serving(file, directory, bin_dir=bin_dir, connect=connect) as etcd:
        return await served_otherwise(etcd, result, seed=seed)


@asynccontextmanager
async def serving(
    file: Path, directory: Path, *, bin_dir: Path, connect: Connect
) -> AsyncIterator[Etcd]:
    """Restore a file with the release's own tool and boot it; etcd is killed in the end.

    RequorumError where the file is not restored, or what was restored does not boot.
    """
    lab = _lab(directory, bin_dir)
    await asyncio.to_thread(_restore, file, lab)
    try:
        await asyncio.to_thread(start_members, lab, lab.names)
        await wait_ready(lab, connect, deadline=_READY_SECONDS)
        etcd = connect(lab.client_url(_NAME))
        try:
            yield etcd
        finally:
            await etcd.close()
    finally:
        crash(lab.directory)


async def served_otherwise(etcd: Etcd, result: ResultFile, *, seed: int) -> tuple[str, ...]:
    """Return in which way its answers differ from what lies in the file. It is emptied then."""
    return tuple([trouble async for trouble in _Served(etcd, result, seed).troubles()])


def _lab(directory: Path, bin_dir: Path) -> Lab:
    peer_port, client_port = free_ports(2)
    lab = Lab(
        directory=directory.resolve(),
        bin_dir=bin_dir.resolve(),
        etcd_version=str(etcd_version(bin_dir / "etcd")),
        token="salvaged",  # noqa: S106  # the cluster's token is no password
        members=(LabMember(name=_NAME, peer_port=peer_port, client_port=client_port),),
        # It is alone: there is nobody to wait for.
        extra_flags=("--heartbeat-interval=10", "--election-timeout=50"),
    )
    write_lab(lab, OUR_COMMAND)
    return lab


def _restore(file: Path, lab: Lab) -> None:
    version = EtcdVersion.parse(lab.etcd_version)
    if version is None:
        raise ToolUnfit(f"{lab.etcd_version} is no version of etcd")
    binaries = EtcdBinaries(
        directory=str(lab.bin_dir), version=version, has_etcdutl=version.restores_with_etcdutl
    )
    argv = binaries.restore(
        str(file),
        data_dir=str(lab.data_dir(_NAME)),
        name=_NAME,
        initial_cluster={_NAME: lab.peer_url(_NAME)},
        token=lab.token,
        advertise_peer_url=lab.peer_url(_NAME),
    )
    run(argv, deadline=_TOOL_SECONDS, env=binaries.env)


class _Served:
    """One served file, compared with its rows. It is written to in the end."""

    def __init__(self, etcd: Etcd, result: ResultFile, seed: int) -> None:
        self._etcd = etcd
        self._result = result
        self._rng = random.Random(seed)  # noqa: S311  # repeatable on purpose

    async def troubles(self) -> AsyncIterator[str]:
        async for trouble in self._reads():
            yield trouble
        async for trouble in self._hash():
            yield trouble
        async for trouble in self._leases():
            yield trouble
        async for trouble in self._writes():
            yield trouble

    async def _reads(self) -> AsyncIterator[str]:
        """Read all keys, now and at some revisions before."""
        state = self._result.state
        found = await collect(self._etcd)
        if found.revision != state.current_revision:
            yield f"revision {found.revision} is served, {state.current_revision} is in the file"
        now = {kv.key: kv for kv in found.keys.values()}
        for trouble in _differences(now, state_at(self._result.records, found.revision)):
            yield trouble
        for revision in self._some(range(max(state.compact_revision, 1), found.revision)):
            page = await self._etcd.get(
                b"\0", range_end=b"\0", revision=revision, deadline=_CALL_SECONDS
            )
            then = {kv.key: kv for kv in page.kvs}
            for trouble in _differences(then, state_at(self._result.records, revision)):
                yield f"at revision {revision}: {trouble}"

    def _some(self, revisions: range) -> list[int]:
        return self._rng.sample(revisions, min(_REVISIONS_ASKED, len(revisions)))

    async def _hash(self) -> AsyncIterator[str]:
        """Compare every record at once; a compacted revision's own hash may be a cached one."""
        state = self._result.state
        if state.current_revision > state.compact_revision:
            served = await self._etcd.hash_kv(0, deadline=_CALL_SECONDS)
            if served.hash != self._result.hash:
                yield f"HashKV {served.hash} is served, the file's is {self._result.hash}"

    async def _leases(self) -> AsyncIterator[str]:
        leases = list(self._result.leases.values())
        alive = state_at(self._result.records, self._result.state.current_revision)
        for lease in self._rng.sample(leases, min(_LEASES_ASKED, len(leases))):
            served = await self._etcd.lease_state(lease.id, deadline=_CALL_SECONDS)
            keys = {key for key, kv in alive.items() if kv.lease == lease.id}
            if served.granted_ttl != lease.ttl or set(served.keys) != keys:
                yield f"lease {lease.id:x} is served with {served.granted_ttl} s, {served.keys!r}"

    async def _writes(self) -> AsyncIterator[str]:
        before = self._result.state.current_revision
        header = await self._etcd.put(PutOp(b"after/salvage", b"1"), deadline=_CALL_SECONDS)
        if header.revision != before + 1:
            yield f"a put got revision {header.revision}, after {before}"
        everything = DeleteOp(b"\0", b"\0")
        header, _ = await self._etcd.delete(everything, deadline=_CALL_SECONDS)
        await self._etcd.compact(header.revision, physical=True, deadline=_CALL_SECONDS)
        left = await self._etcd.get(b"\0", range_end=b"\0", deadline=_CALL_SECONDS)
        if left.kvs:
            yield f"{len(left.kvs)} keys are left after all were deleted"


def _differences(
    served: Mapping[bytes, ServedKeyValue], filed: Mapping[bytes, KeyValue]
) -> Iterator[str]:
    for key in sorted({*served, *filed}):
        ours, theirs = filed.get(key), served.get(key)
        if ours is None or theirs is None:
            yield f"{key!r} is {'not served' if theirs is None else 'served, but not in the file'}"
        elif ours != KeyValue(
            key=theirs.key,
            create_revision=theirs.create_revision,
            mod_revision=theirs.mod_revision,
            version=theirs.version,
            value=theirs.value,
            lease=theirs.lease,
        ):
            yield f"{key!r} is served at revision {theirs.mod_revision}, otherwise than in the file"
