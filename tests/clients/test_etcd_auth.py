"""User and password against real etcd with authentication on."""

import asyncio
import time

import pytest
from running_etcd import RELEASES, RunningEtcd, StartEtcd

from requorum.clients.etcd.client import EtcdClient, connect
from requorum.errors import EtcdError, Unreachable
from requorum.ports.etcd import PutOp

pytestmark = pytest.mark.etcd

DEADLINE = 10.0
PASSWORD = "correct horse"  # noqa: S105 - a password of this test's own etcd


def enable(etcd: RunningEtcd) -> None:
    """Turn authentication on, with root as its user."""
    etcd.etcdctl("user", "add", f"root:{PASSWORD}")
    etcd.etcdctl("user", "grant-role", "root", "root")
    etcd.etcdctl("auth", "enable")


@pytest.fixture(scope="module")
def guarded(release: str, start_etcd: StartEtcd) -> RunningEtcd:
    """Start an etcd whose authentication is on."""
    etcd = start_etcd(release)
    enable(etcd)
    return etcd


def as_root(etcd: RunningEtcd, password: str = PASSWORD) -> EtcdClient:
    """Connect as root."""
    return connect(etcd.url, tls=None, credentials=("root", password))


async def test_right_password(guarded: RunningEtcd) -> None:
    """Every kind of call works for a user who may."""
    async with as_root(guarded) as client:
        await client.put(PutOp(b"k", b"v"), deadline=DEADLINE)
        assert (await client.get(b"k", deadline=DEADLINE)).kvs[0].value == b"v"
        assert len(await client.members(deadline=DEADLINE)) == 1
        assert await client.alarms(deadline=DEADLINE) == ()
        assert (await client.hash_kv(0, deadline=DEADLINE)).revision > 1


async def test_status_as_first_call(guarded: RunningEtcd) -> None:
    """Status asks without a token first, and with one where that is refused."""
    async with as_root(guarded) as client:
        assert (await client.status(deadline=DEADLINE)).version == guarded.release


async def test_wrong_password(guarded: RunningEtcd) -> None:
    """The words of etcd, a hint, and the password nowhere."""
    async with as_root(guarded, "wrong-and-secret") as client:
        with pytest.raises(EtcdError, match="invalid user ID or password") as caught:
            await client.get(b"k", deadline=DEADLINE)
        assert "password" in (caught.value.hint or "")
        shown = f"{caught.value!r}{caught.value.__cause__!r}{client!r}"
        assert "wrong-and-secret" not in shown


async def test_no_user(guarded: RunningEtcd) -> None:
    """Without a user the hint says that one is needed."""
    async with connect(guarded.url, tls=None, credentials=None) as client:
        with pytest.raises(EtcdError, match="user name is empty") as caught:
            await client.get(b"k", deadline=DEADLINE)
        assert "give a user" in (caught.value.hint or "")


async def test_a_refused_token_is_renewed_once(guarded: RunningEtcd) -> None:
    """A token that etcd has forgotten is replaced without the caller's help."""
    async with as_root(guarded) as client:
        client._session._token = "forgotten.1"  # noqa: S105 - it is no secret: nobody issued it
        await client.put(PutOp(b"k", b"renewed"), deadline=DEADLINE)
        assert client._session.cached_token not in {"", "forgotten.1"}


async def test_calls_at_once_share_a_token(guarded: RunningEtcd) -> None:
    """Calls that begin together all succeed."""
    async with as_root(guarded) as client:
        answers = await asyncio.gather(
            *(client.get(b"k", deadline=DEADLINE) for _ in range(10)),
        )
        assert len(answers) == 10


async def test_user_given_while_authentication_is_off(release: str, start_etcd: StartEtcd) -> None:
    """A user is no error where none is needed, and serves when authentication comes on."""
    etcd = start_etcd(release)
    async with as_root(etcd) as client:
        await client.put(PutOp(b"k", b"1"), deadline=DEADLINE)
        enable(etcd)
        await client.put(PutOp(b"k", b"2"), deadline=DEADLINE)
        assert (await client.get(b"k", deadline=DEADLINE)).kvs[0].value == b"2"


async def test_status_without_a_leader(start_etcd: StartEtcd) -> None:
    """Where Status is unguarded, a user's client gets it although no token can be made."""
    etcd = start_etcd(RELEASES[0])
    enable(etcd)
    nobody = "--peer-urls=http://127.0.0.1:1"
    etcd.etcdctl(f"--user=root:{PASSWORD}", "member", "add", "nobody", nobody)
    end = time.monotonic() + 60
    async with as_root(etcd) as client:
        while (await client.status(deadline=DEADLINE)).leader is not None:
            assert time.monotonic() < end, "it still has a leader"
            await asyncio.sleep(0.1)
        with pytest.raises(Unreachable):
            await client.get(b"k", serializable=True, deadline=1)
