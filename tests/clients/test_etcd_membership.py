"""Every membership call of the client against real etcd."""

import asyncio
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from running_etcd import RunningEtcd, StartEtcd, _free_ports

from requorum.clients.etcd.client import connect
from requorum.domain.ids import MemberId
from requorum.errors import DeadlineExceeded, EtcdError, Unreachable
from requorum.ports.etcd import Etcd, ListedMember, PutOp

pytestmark = pytest.mark.etcd

DEADLINE = 10.0
NOBODY = "http://127.0.0.1:1"


async def test_a_learner_is_added_changed_and_removed(release: str, start_etcd: StartEtcd) -> None:
    """Its row has its URL and no name; etcd refuses to promote what never started."""
    etcd = start_etcd(release)
    async with connect(etcd.url, tls=None, credentials=None) as client:
        added = await client.add_member([NOBODY], learner=True, deadline=DEADLINE)
        assert (added.name, added.peer_urls, added.is_learner) == ("", (NOBODY,), True)
        assert await _row(client, added.id) == added
        with pytest.raises(EtcdError, match="in sync with leader"):
            await client.promote_member(added.id, deadline=DEADLINE)
        with pytest.raises(EtcdError, match="too many learner members"):
            await client.add_member(["http://127.0.0.1:2"], learner=True, deadline=DEADLINE)
        await client.remove_member(added.id, deadline=DEADLINE)
        assert await _row(client, added.id) is None
        with pytest.raises(EtcdError, match="member not found"):
            await client.remove_member(added.id, deadline=DEADLINE)


async def test_a_peer_url_is_changed(release: str, start_etcd: StartEtcd) -> None:
    """The list shows the new one."""
    etcd = start_etcd(release)
    async with connect(etcd.url, tls=None, credentials=None) as client:
        (me,) = await client.members(deadline=DEADLINE)
        await client.update_member(me.id, [NOBODY], deadline=DEADLINE)
        (now,) = await client.members(deadline=DEADLINE)
        assert (now.id, now.peer_urls) == (me.id, (NOBODY,))


async def test_a_learner_is_promoted_and_leads(
    release: str, start_etcd: StartEtcd, tmp_path: Path
) -> None:
    """Once it has caught up it becomes a voter, and the leadership can be handed to it."""
    etcd = start_etcd(release)
    client_port, peer_port = _free_ports(2)
    peer_url = f"http://127.0.0.1:{peer_port}"
    async with connect(etcd.url, tls=None, credentials=None) as client:
        await client.put(PutOp(b"before", b"1"), deadline=DEADLINE)
        added = await client.add_member([peer_url], learner=True, deadline=DEADLINE)
        with joining(etcd, tmp_path, peer_url, f"http://127.0.0.1:{client_port}") as url:
            await _until_done(
                lambda: client.promote_member(added.id, deadline=DEADLINE), "in sync with leader"
            )
            row = await _row(client, added.id)
            assert row is not None
            assert (row.name, row.is_learner) == ("m2", False)
            await client.move_leader(added.id, deadline=DEADLINE)
            async with connect(url, tls=None, credentials=None) as second:
                assert (await second.get(b"before", deadline=DEADLINE)).count == 1
                status = await second.status(deadline=DEADLINE)
                assert status.leader == added.id
                with pytest.raises(EtcdError, match="bad leader transferee"):
                    await second.move_leader(MemberId(1), deadline=DEADLINE)
            with pytest.raises(EtcdError, match="not leader"):
                await client.move_leader(added.id, deadline=DEADLINE)


async def test_an_alarm_is_taken_back(release: str, start_etcd: StartEtcd) -> None:
    """What an exceeded quota raised is gone then; taking it back again is no error."""
    etcd = start_etcd(release, "--quota-backend-bytes=1000000")
    async with connect(etcd.url, tls=None, credentials=None) as client:
        with pytest.raises(EtcdError, match="space exceeded"):
            await _fill(client)
        (alarm,) = await client.alarms(deadline=DEADLINE)
        for _ in range(2):
            await client.disarm(alarm, deadline=DEADLINE)
            assert await client.alarms(deadline=DEADLINE) == ()


async def test_a_call_has_its_deadline(release: str, start_etcd: StartEtcd) -> None:
    """A voter that never starts takes the quorum away: no call waits for ever."""
    etcd = start_etcd(release)
    async with connect(etcd.url, tls=None, credentials=None) as client:
        added = await client.add_member([NOBODY], learner=False, deadline=DEADLINE)
        began = asyncio.get_running_loop().time()
        with pytest.raises((DeadlineExceeded, EtcdError, Unreachable)):
            await client.remove_member(added.id, deadline=1)
        assert asyncio.get_running_loop().time() - began < 5


async def _row(client: Etcd, member: MemberId) -> ListedMember | None:
    found = await client.members(deadline=DEADLINE)
    return next((row for row in found if row.id == member), None)


async def _fill(client: Etcd) -> None:
    for number in range(100):
        await client.put(PutOp(b"a/%d" % number, bytes(100_000)), deadline=DEADLINE)


async def _until_done(call: Callable[[], Awaitable[None]], not_yet: str) -> None:
    """Repeat the call while etcd says `not_yet`."""
    end = asyncio.get_running_loop().time() + DEADLINE
    while True:
        try:
            return await call()
        except EtcdError as error:
            if not_yet not in error.message or asyncio.get_running_loop().time() > end:
                raise
        await asyncio.sleep(0.05)


@contextmanager
def joining(etcd: RunningEtcd, folder: Path, peer_url: str, client_url: str) -> Iterator[str]:
    """Start m2 as the member that was added; it is killed in the end."""
    command = (
        f"{etcd.bin_dir}/etcd",
        "--name=m2",
        f"--data-dir={folder}/data",
        f"--listen-client-urls={client_url}",
        f"--advertise-client-urls={client_url}",
        f"--listen-peer-urls={peer_url}",
        f"--initial-advertise-peer-urls={peer_url}",
        f"--initial-cluster=m1={etcd.peer_url},m2={peer_url}",
        "--initial-cluster-state=existing",
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield client_url
    finally:
        process.kill()
        process.wait(10)
