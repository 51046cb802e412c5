"""The condition of a member's host: clock, data on its disk, and what reaches what."""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from posixpath import basename, dirname, join
from urllib.parse import urlsplit

from requorum.domain.cluster import MemberSpec
from requorum.errors import RequorumError, Unreachable
from requorum.facts.member_settings import ASK_DEADLINE
from requorum.inspection.leftovers import Folder, leftover
from requorum.ports.host import Host

_NEIGHBOURS_MAX = 200
_CONNECT_SECONDS = 5.0
_WAYS_AT_ONCE = 16


async def clock_offset(host: Host) -> tuple[float, float]:
    """Return by how many seconds its clock is ahead of ours, and by how much that may be wrong."""
    before = time.time()
    done = await host.run(("date", "+%s.%N"), deadline=ASK_DEADLINE)
    after = time.time()
    try:
        theirs = float(done.stdout.strip())
    except ValueError as error:
        raise RequorumError(f"`date` on {host.name} does not tell the time") from error
    return theirs - (before + after) / 2, (after - before) / 2


async def user_id(host: Host, user: str = "") -> int | None:
    """Return a user's number, our own for "", None for a user that the host does not have."""
    argv = ("id", "-u", "--", user) if user else ("id", "-u")
    done = await host.run(argv, deadline=ASK_DEADLINE)
    return int(done.stdout) if done.returncode == 0 and done.stdout.strip().isdecimal() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCondition:
    """The data directory as it lies there. Sizes in bytes.

    `owners` have owner and mode of each path; `beside` and `own` are as in `old_data_findings`.
    """

    owners: Mapping[str, tuple[int, int]]
    beside: tuple[str, ...]
    own: tuple[str, ...]
    db_size: int
    free: int


async def data_condition(host: Host, member: MemberSpec) -> DataCondition | None:
    """Look at it; None where there is no such directory. NotPermitted where we may not look."""
    data_dir = await host.real_path(member.data_dir)
    names = await host.list_dir(data_dir)
    if names is None:
        return None
    wal_dir = member.wal_dir or join(data_dir, "member", "wal")
    db = join(data_dir, "member", "snap", "db")
    owners = {}
    for path in (data_dir, join(data_dir, "member"), wal_dir, db):
        found = await host.stat(path)
        if found is not None:
            owners[path] = (found.uid, found.mode & 0o777)
    await host.list_dir(wal_dir)  # NotPermitted, where that is so
    size = await host.stat(db)
    return DataCondition(
        owners=_shortened(owners),
        beside=await _beside(host, data_dir),
        own=tuple(n for n in names if leftover(Folder.DATA, n) and not n.startswith("requorum")),
        db_size=size.size if size else 0,
        free=(await host.disk(data_dir)).free,
    )


def _shortened(owners: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Return what is below a private directory without its mode: nobody gets there."""
    top = next(iter(owners), None)
    private = top is not None and not owners[top][1] & 0o007
    return {
        path: (owner, 0 if private and top and path.startswith(top) else mode)
        for path, (owner, mode) in owners.items()
    }


async def _beside(host: Host, data_dir: str) -> tuple[str, ...]:
    """Return what could be taken for data: what has a `member` folder, and copies by their name."""
    parent, name = dirname(data_dir), basename(data_dir)
    found = []
    for other in (await host.list_dir(parent) or ())[:_NEIGHBOURS_MAX]:
        if other == name or other.endswith(".lock"):
            continue
        is_copy = other.startswith((f"{name}.", f"{name}-"))
        if is_copy or await host.stat(join(parent, other, "member", "snap")) is not None:
            found.append(other)
    return tuple(found)


async def reaches(host: Host, url: str) -> str | None:
    """Return None where a connection from that host to a URL is taken, else why it is not."""
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        near = await host.forward(parts.hostname or "", port)
        async with asyncio.timeout(_CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(*near)
        writer.close()
    except TimeoutError:
        return "no answer"
    except Unreachable as error:
        return error.message
    except OSError as error:
        return os.strerror(error.errno or 0).lower() if error.errno else str(error)
    return None


async def try_ways(
    hosts: Mapping[str, Host], urls: Mapping[str, str]
) -> dict[str, tuple[tuple[str, ...], dict[str, str]]]:
    """Try each member's URL from every host: who reaches it, and why others do not."""
    pairs = [(name, host) for name in urls for host in hosts]
    limit = asyncio.Semaphore(_WAYS_AT_ONCE)

    async def tried(name: str, host: str) -> str | None:
        async with limit:
            return await reaches(hosts[host], urls[name])

    said: Sequence[str | None] = await asyncio.gather(*(tried(*pair) for pair in pairs))
    found: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {}
    for name in urls:
        mine = {h: why for (n, h), why in zip(pairs, said, strict=True) if n == name}
        troubles = {host: why for host, why in mine.items() if why is not None}
        found[name] = tuple(host for host in mine if host not in troubles), troubles
    return found
