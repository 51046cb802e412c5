"""The token's life, with a counting stand-in for Auth.Authenticate."""

import asyncio

import pytest

from requorum.clients.etcd.session import Session
from requorum.errors import DeadlineExceeded, EtcdError

REFUSED = EtcdError("etcdserver: invalid auth token")


class Issuer:
    """Issues numbered tokens, or raises."""

    def __init__(self, error: EtcdError | None = None, *, hangs: bool = False) -> None:
        self.issued = 0
        self._error = error
        self._hangs = hangs

    async def __call__(self, user: str, password: str, deadline: float) -> str:
        """Issue the next token."""
        assert (password, deadline > 0) == ("p", True)
        await asyncio.sleep(3600 if self._hangs else 0)
        self.issued += 1
        if self._error is not None:
            raise self._error
        return f"{user}.{self.issued}"


async def test_one_token_for_all() -> None:
    """Calls that begin together fetch one token."""
    issuer = Issuer()
    session = Session(("u", "p"), issuer)
    tokens = await asyncio.gather(*(session.token(deadline=5) for _ in range(5)))
    assert (set(tokens), issuer.issued) == ({"u.1"}, 1)


async def test_one_renewal_for_all() -> None:
    """Calls that failed with the same token fetch one new token."""
    issuer = Issuer()
    session = Session(("u", "p"), issuer)
    old = await session.token(deadline=5)
    tokens = await asyncio.gather(*(session.renewed(old, deadline=5) for _ in range(5)))
    assert (set(tokens), issuer.issued) == ({"u.2"}, 2)


async def test_without_a_user() -> None:
    """Nothing is fetched and nothing is renewed."""
    issuer = Issuer()
    session = Session(None, issuer)
    assert await session.token(deadline=5) == ""
    assert not session.may_renew(REFUSED)
    assert issuer.issued == 0


async def test_authentication_off_is_remembered() -> None:
    """A cluster that needs no token is asked for one only once."""
    issuer = Issuer(EtcdError("etcdserver: authentication is not enabled"))
    session = Session(("u", "p"), issuer)
    assert [await session.token(deadline=5) for _ in range(3)] == ["", "", ""]
    assert issuer.issued == 1


async def test_other_errors_pass() -> None:
    """A wrong password is the caller's to see, and is not remembered."""
    issuer = Issuer(EtcdError("etcdserver: authentication failed, invalid user ID or password"))
    session = Session(("u", "p"), issuer)
    for _ in range(2):
        with pytest.raises(EtcdError, match="authentication failed"):
            await session.token(deadline=5)
    assert issuer.issued == 2


async def test_waiting_in_line_has_a_deadline() -> None:
    """A call that waits for another call's token keeps its own deadline."""
    session = Session(("u", "p"), Issuer(hangs=True))
    first = asyncio.create_task(session.token(deadline=60))
    with pytest.raises(DeadlineExceeded):
        await session.token(deadline=0.1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first


def test_which_answers_a_new_token_may_change() -> None:
    """Only those that etcd gives before it has done anything."""
    session = Session(("u", "p"), Issuer())
    assert session.may_renew(REFUSED)
    assert session.may_renew(EtcdError("etcdserver: user name is empty"))
    assert not session.may_renew(EtcdError("etcdserver: permission denied"))
    assert not session.may_renew(EtcdError("etcdserver: request timed out"))
