"""Changing the membership through whoever serves, until the list shows it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from requorum.errors import EtcdError, RequorumError, StepFailed, Unreachable
from requorum.facts.membership import fresh_list
from requorum.ports.etcd import Etcd, ListedMember
from requorum.runbooks.steps.world import World

CALL_DEADLINE = 10.0
PATIENCE = 90.0
POLL_SECONDS = 0.3

Rows = Sequence[ListedMember]
Found = TypeVar("Found")

_PASSES = (
    "unhealthy cluster",
    "not enough started members",
    "request timed out",
    "leader changed",
    "no leader",
    "in sync with leader",
    "server stopped",
)
"""What etcd says when it may well say something else a moment later.

Source: etcd api/v3rpc/rpctypes/error.go; strict reconfiguration waits 5 s for peers to connect.
"""


async def reconfigure(
    world: World,
    *,
    apart_from: str,
    seen: Callable[[Rows], Found | None],
    act: Callable[[Etcd, Rows], Awaitable[object]],
) -> Found:
    """Act until the list of a member that serves shows it; return what `seen` sees in it.

    Nothing is sent where it shows already. A call whose outcome is unknown is settled by the list.
    StepFailed, with etcd's own words, after `PATIENCE` seconds.
    """
    end = asyncio.get_running_loop().time() + PATIENCE
    trouble: RequorumError = StepFailed("the list of members does not show it")
    while asyncio.get_running_loop().time() < end:
        try:
            async with serving(world, apart_from) as etcd:
                rows = await fresh_list(etcd)
                if (found := seen(rows)) is None:
                    await act(etcd, rows)
                    found = seen(await fresh_list(etcd))
                if found is not None:
                    return found
        except (EtcdError, Unreachable) as error:
            if isinstance(error, EtcdError) and not _may_pass(error):
                raise
            trouble = error
        await asyncio.sleep(POLL_SECONDS)
    raise StepFailed(f"not after {PATIENCE:.0f} s: {trouble.message}", hint=trouble.hint)


def _may_pass(error: EtcdError) -> bool:
    return any(words in error.message for words in _PASSES)


@asynccontextmanager
async def serving(world: World, apart_from: str) -> AsyncIterator[Etcd]:
    """Yield a client of the first other member that reads; Unreachable where none does."""
    troubles: list[str] = []
    for member in world.cluster.members:
        if member.name == apart_from:
            continue
        etcd = world.reach.etcd(member)
        try:
            try:
                await fresh_list(etcd)
            except (EtcdError, Unreachable) as error:
                troubles.append(f"{member.name}: {error.message}")
                continue
            yield etcd
            return
        finally:
            await etcd.close()
    raise Unreachable(f"no member serves: {'; '.join(troubles)}")
