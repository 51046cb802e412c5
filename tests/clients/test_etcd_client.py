"""Every call of the client against real etcd."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from running_etcd import RunningEtcd, StartEtcd

from requorum.clients.etcd.client import EtcdClient, connect
from requorum.errors import EtcdError, Unreachable
from requorum.formats.source import BufferSource
from requorum.inspection.file_verdict import Verdict, judge_file
from requorum.ports.etcd import Alarm, Compare, DeleteOp, Etcd, PutOp

pytestmark = pytest.mark.etcd

DEADLINE = 10.0


@pytest.fixture
async def client(etcd: RunningEtcd) -> AsyncIterator[EtcdClient]:
    """Connect to the shared etcd."""
    async with connect(etcd.url, tls=None, credentials=None) as client:
        yield client


async def test_it_is_the_port(client: EtcdClient) -> None:
    """The client fulfils the protocol that the floors above see."""
    port: Etcd = client
    assert port.endpoint == client.endpoint


async def test_status(client: EtcdClient, etcd: RunningEtcd) -> None:
    """Status tells version, leader, progress and sizes, and None for what a version lacks."""
    status = await client.status(deadline=DEADLINE)
    assert status.version == etcd.release
    assert status.leader == status.header.member_id
    assert status.raft_term == status.header.raft_term >= 2
    assert status.raft_index >= status.raft_applied_index > 0
    assert status.db_size >= status.db_size_in_use > 0
    assert not status.is_learner
    assert status.errors == ()
    assert (status.storage_version is not None) == (etcd.minor >= (3, 6))
    assert (status.db_size_quota is not None) == (etcd.minor >= (3, 6))


@pytest.mark.parametrize("linearizable", [True, False])
async def test_members(client: EtcdClient, etcd: RunningEtcd, *, linearizable: bool) -> None:
    """The list holds the one member with its URLs."""
    (member,) = await client.members(deadline=DEADLINE, linearizable=linearizable)
    assert member.name == "m1"
    assert member.peer_urls == (etcd.peer_url,)
    assert member.client_urls == (etcd.url,)
    assert member.id == (await client.status(deadline=DEADLINE)).header.member_id
    assert not member.is_learner


async def test_put_and_get(client: EtcdClient) -> None:
    """A read returns what was written, with its revisions."""
    first = await client.put(PutOp(b"pg/a", b"1"), deadline=DEADLINE)
    second = await client.put(PutOp(b"pg/a", b"2"), deadline=DEADLINE)
    (kv,) = (await client.get(b"pg/a", deadline=DEADLINE)).kvs
    assert (kv.key, kv.value, kv.version, kv.lease) == (b"pg/a", b"2", 2, 0)
    assert (kv.create_revision, kv.mod_revision) == (first.revision, second.revision)
    assert second.revision == first.revision + 1


async def test_get_options(client: EtcdClient) -> None:
    """Range end, limit, revision, keys only, count only and serializable reach etcd."""
    early = (await client.put(PutOp(b"go/a", b"1"), deadline=DEADLINE)).revision
    for key in (b"go/b", b"go/c"):
        await client.put(PutOp(key, b"2"), deadline=DEADLINE)

    async def ask(**options: object) -> tuple[list[tuple[bytes, bytes]], bool, int]:
        result = await client.get(b"go/", range_end=b"go0", deadline=DEADLINE, **options)
        return [(kv.key, kv.value) for kv in result.kvs], result.more, result.count

    every = [(b"go/a", b"1"), (b"go/b", b"2"), (b"go/c", b"2")]
    assert await ask() == (every, False, 3)
    assert await ask(serializable=True) == (every, False, 3)
    assert await ask(limit=2) == (every[:2], True, 3)
    assert await ask(revision=early) == (every[:1], False, 1)
    assert await ask(keys_only=True) == ([(key, b"") for key, _ in every], False, 3)
    assert (await ask(count_only=True))[::2] == ([], 3)


async def test_an_answer_of_many_megabytes(client: EtcdClient) -> None:
    """The receive limit of 4 MiB that gRPC sets by itself is off."""
    for number in range(6):
        await client.put(PutOp(b"big/%d" % number, bytes(1_000_000)), deadline=DEADLINE)
    result = await client.get(b"big/", range_end=b"big0", deadline=DEADLINE)
    assert sum(len(kv.value) for kv in result.kvs) == 6_000_000


async def test_delete(client: EtcdClient) -> None:
    """A delete tells how many keys went, one key or a range."""
    for key in (b"de/a", b"de/b", b"de/c"):
        await client.put(PutOp(key, b""), deadline=DEADLINE)
    assert (await client.delete(DeleteOp(b"de/a"), deadline=DEADLINE))[1] == 1
    header, deleted = await client.delete(DeleteOp(b"de/", b"de0"), deadline=DEADLINE)
    assert deleted == 2
    gone = await client.get(b"de/", range_end=b"de0", deadline=DEADLINE)
    assert (gone.count, gone.header.revision) == (0, header.revision)


async def test_txn_branches(client: EtcdClient) -> None:
    """Success and failure operations run as the comparison says."""
    absent = Compare(b"tx/a", "create_revision", "equal", 0)
    put, delete = PutOp(b"tx/a", b"1"), DeleteOp(b"tx/a")
    first = await client.txn([absent], [put], [delete], deadline=DEADLINE)
    assert first.succeeded
    assert (await client.get(b"tx/a", deadline=DEADLINE)).count == 1
    second = await client.txn([absent], [put], [delete], deadline=DEADLINE)
    assert not second.succeeded
    assert second.header.revision == first.header.revision + 1
    assert (await client.get(b"tx/a", deadline=DEADLINE)).count == 0


async def test_txn_compares_every_target(client: EtcdClient) -> None:
    """Each target and each result is compared by etcd as it was meant."""
    lease = await client.grant_lease(600, deadline=DEADLINE)
    header = await client.put(PutOp(b"tc/a", b"m", lease=lease), deadline=DEADLINE)
    true = [
        Compare(b"tc/a", "version", "equal", 1),
        Compare(b"tc/a", "create_revision", "greater", header.revision - 1),
        Compare(b"tc/a", "mod_revision", "less", header.revision + 1),
        Compare(b"tc/a", "value", "not_equal", b"n"),
        Compare(b"tc/a", "lease", "equal", lease),
    ]
    false = [
        Compare(b"tc/a", "version", "not_equal", 1),
        Compare(b"tc/a", "create_revision", "less", header.revision),
        Compare(b"tc/a", "mod_revision", "greater", header.revision),
        Compare(b"tc/a", "value", "equal", b"n"),
        Compare(b"tc/a", "lease", "equal", lease + 1),
    ]
    assert (await client.txn(true, [], [], deadline=DEADLINE)).succeeded
    for compare in false:
        assert not (await client.txn([compare], [], [], deadline=DEADLINE)).succeeded


@pytest.mark.parametrize("physical", [True, False])
async def test_compact(client: EtcdClient, *, physical: bool) -> None:
    """Compacted revisions cannot be read: etcd's text, gRPC's code at the cause."""
    old = (await client.put(PutOp(b"co/a", b"1"), deadline=DEADLINE)).revision
    new = (await client.put(PutOp(b"co/a", b"2"), deadline=DEADLINE)).revision
    await client.compact(new, physical=physical, deadline=DEADLINE)
    with pytest.raises(EtcdError, match="required revision has been compacted") as caught:
        await client.get(b"co/a", revision=old, deadline=DEADLINE)
    assert isinstance(caught.value.__cause__, grpc.aio.AioRpcError)
    assert caught.value.__cause__.code() is grpc.StatusCode.OUT_OF_RANGE


async def test_leases(client: EtcdClient) -> None:
    """A lease is granted, names its keys, and takes them along when it is revoked."""
    lease = await client.grant_lease(600, deadline=DEADLINE)
    await client.put(PutOp(b"le/a", b"", lease=lease), deadline=DEADLINE)
    state = await client.lease_state(lease, deadline=DEADLINE)
    assert (state.id, state.granted_ttl, state.keys) == (lease, 600, (b"le/a",))
    assert 0 < state.ttl <= 600
    header = await client.revoke_lease(lease, deadline=DEADLINE)
    gone = await client.get(b"le/a", deadline=DEADLINE)
    assert (gone.count, gone.header.revision) == (0, header.revision)
    assert (await client.lease_state(lease, deadline=DEADLINE)).ttl == -1


async def test_lease_id_is_ours_to_choose(client: EtcdClient) -> None:
    """A lease may have a chosen id, once."""
    assert await client.grant_lease(600, lease_id=77, deadline=DEADLINE) == 77
    with pytest.raises(EtcdError, match="lease already exists"):
        await client.grant_lease(600, lease_id=77, deadline=DEADLINE)
    await client.revoke_lease(77, deadline=DEADLINE)
    with pytest.raises(EtcdError, match="requested lease not found"):
        await client.revoke_lease(77, deadline=DEADLINE)


async def test_hash_kv(client: EtcdClient) -> None:
    """The hash at 0 is the one at the current revision; another write changes it."""
    revision = (await client.put(PutOp(b"ha/a", b"1"), deadline=DEADLINE)).revision
    current = await client.hash_kv(0, deadline=DEADLINE)
    assert current.revision == revision
    assert await client.hash_kv(revision, deadline=DEADLINE) == current
    await client.put(PutOp(b"ha/a", b"2"), deadline=DEADLINE)
    changed = await client.hash_kv(0, deadline=DEADLINE)
    assert (changed.revision, changed.hash != current.hash) == (revision + 1, True)
    with pytest.raises(EtcdError, match="future revision"):
        await client.hash_kv(revision + 1000, deadline=DEADLINE)


async def fill(client: EtcdClient) -> None:
    """Put more than a quota of 1 MiB holds."""
    for _ in range(100):
        await client.put(PutOp(b"k", bytes(200_000)), deadline=DEADLINE)


async def test_alarms(release: str, start_etcd: StartEtcd) -> None:
    """An exceeded quota raises an alarm that names its member, and a hint."""
    etcd = start_etcd(release, f"--quota-backend-bytes={1 << 20}")
    async with connect(etcd.url, tls=None, credentials=None) as client:
        assert await client.alarms(deadline=DEADLINE) == ()
        with pytest.raises(EtcdError, match="database space exceeded") as caught:
            await fill(client)
        assert "defragment" in (caught.value.hint or "")
        me = (await client.status(deadline=DEADLINE)).header.member_id
        assert await client.alarms(deadline=DEADLINE) == (Alarm(me, "NOSPACE"),)


async def test_after_close(etcd: RunningEtcd) -> None:
    """Closing twice is no error; a call afterwards says that it was us."""
    client = connect(etcd.url, tls=None, credentials=None)
    await client.close()
    await client.close()
    with pytest.raises(Unreachable, match="closed by us"):
        await client.status(deadline=DEADLINE)


async def test_calls_run_at_the_same_time(client: EtcdClient) -> None:
    """One client carries many calls at once."""
    puts = (client.put(PutOp(b"many/%d" % n, b""), deadline=DEADLINE) for n in range(50))
    revisions = {header.revision for header in await asyncio.gather(*puts)}
    assert len(revisions) == 50


async def test_a_member_that_dies(release: str, start_etcd: StartEtcd) -> None:
    """A killed member is unreachable at once, on a connection that worked."""
    etcd = start_etcd(release)
    async with connect(etcd.url, tls=None, credentials=None) as client:
        await client.status(deadline=DEADLINE)
        etcd.kill()
        with pytest.raises(Unreachable):
            await client.status(deadline=DEADLINE)


async def test_a_snapshot_is_whole(client: EtcdClient) -> None:
    """What is streamed is a restorable file with a SHA-256 that matches."""
    await client.put(PutOp(b"snapshot/a", b"1"), deadline=DEADLINE)
    streamed = b"".join([part async for part in client.snapshot(deadline=DEADLINE)])
    verdict = judge_file(BufferSource(streamed))
    assert (verdict.verdict, verdict.restorable) == (Verdict.RESTORABLE, True)


async def test_a_snapshot_that_is_given_up(client: EtcdClient) -> None:
    """Nobody has to read to the end, and the client goes on to work."""
    stream = client.snapshot(deadline=DEADLINE)
    assert await anext(stream)
    await stream.aclose()
    assert (await client.status(deadline=DEADLINE)).leader


async def test_a_snapshot_of_nobody() -> None:
    """A dead member is unreachable, here too."""
    async with connect("http://127.0.0.1:1", tls=None, credentials=None) as nobody:
        with pytest.raises(Unreachable):
            _ = [part async for part in nobody.snapshot(deadline=DEADLINE)]
