"""A lock that a run left behind on a host is waited for; anybody else's is not."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from requorum.app.recovery import carry_out
from requorum.clients.hosts.local import LocalHost
from requorum.errors import Locked


class LockedHost(LocalHost):
    """A host whose lock somebody holds for a while."""

    def __init__(self, holder: str, *, asked_in_vain: int) -> None:
        super().__init__("far")
        self._holder = holder
        self.left = asked_in_vain

    @asynccontextmanager
    async def lock(self, path: str, *, holder: str) -> AsyncIterator[None]:
        """Refuse as often as was said."""
        if self.left:
            self.left -= 1
            raise Locked(f"{path} on far is locked by {self._holder}")
        assert holder.startswith("run r1 by ")
        yield


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again at once."""
    monkeypatch.setattr(carry_out, "LEFT_LOCK_POLL", 0)


async def enter(host: LockedHost) -> list[str]:
    """Take the lock for run r1; return what was said meanwhile."""
    said: list[str] = []
    async with AsyncExitStack() as locks:
        await carry_out._enter(locks, host, "/lock", "r1", said.append)
    return said


async def test_ones_own_is_waited_for() -> None:
    """The host gives it back once it has not heard of us for a while."""
    host = LockedHost(f"run r1 by {carry_out._who()}", asked_in_vain=3)
    (said,) = await enter(host)
    assert "the lock that this run left there" in said
    assert host.left == 0


@pytest.mark.parametrize("holder", ["run r2 by {me}", "run r1 by somebody@else", "nobody knows"])
async def test_anybody_elses_is_not(holder: str) -> None:
    """Whoever that is works there."""
    host = LockedHost(holder.format(me=carry_out._who()), asked_in_vain=3)
    with pytest.raises(Locked):
        await enter(host)
    assert host.left == 2


async def test_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told in the end."""
    monkeypatch.setattr(carry_out, "LEFT_LOCK_SECONDS", -1)
    host = LockedHost(f"run r1 by {carry_out._who()}", asked_in_vain=3)
    with pytest.raises(Locked):
        await enter(host)
