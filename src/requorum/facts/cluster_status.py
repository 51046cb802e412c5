"""How a cluster is, asked of every member at once; whoever does not answer is a fact."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from requorum.domain.cluster import Cluster
from requorum.errors import EtcdError, RequorumError
from requorum.facts.live import AUTH_REFUSALS, PROBE
from requorum.facts.membership import name_in
from requorum.facts.survey import Reach
from requorum.ports.etcd import Alarm, Etcd, HashKv, ListedMember, MemberStatus

DEADLINE = 5.0
HASH_DEADLINE = 30.0
HASH_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """One member's answers. Times in seconds, None where the read failed; `trouble` says why.

    `listed` is its row in etcd's list, None where etcd lists no such member or nobody tells.
    """

    name: str
    client_url: str
    listed: ListedMember | None
    status: MemberStatus | None
    linearizable: float | None
    serializable: float | None
    trouble: str | None


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """All of them. `alarms` and `hashes` are None where nobody tells them."""

    members: tuple[Measured, ...]
    alarms: tuple[Alarm, ...] | None
    hashes: Mapping[str, HashKv] | None


ConnectNamed = Callable[[str, str], Etcd]
"""Makes a client for the member of that name at that client URL."""


async def ask_status(cluster: Cluster, reach: Reach) -> ClusterStatus:
    """Ask every member of the cluster file, and those that etcd lists besides."""
    known = {m.name: m for m in cluster.members}

    def connect(name: str, url: str) -> Etcd:
        return reach.etcd(known[name]) if name in known else reach.connect(url)

    urls = {m.name: m.client_url for m in cluster.members}
    answers = await _all(urls, connect)
    rows, alarms = await _rows_and_alarms(answers, connect)
    names = {name_in(cluster, row): row for row in rows}
    more = {
        name: row.client_urls[0]
        for name, row in names.items()
        if name not in urls and row.client_urls
    }
    answers |= await _all(more, connect)
    members = [_with_row(measured, names) for measured in answers.values()]
    members += [
        Measured(name, "", row, None, None, None, "it never started")
        for name, row in names.items()
        if name not in answers
    ]
    return ClusterStatus(tuple(members), alarms, await _hashes(members, connect))


async def _all(urls: Mapping[str, str], connect: ConnectNamed) -> dict[str, Measured]:
    asked = (_measure(name, url, connect(name, url)) for name, url in urls.items())
    return {measured.name: measured for measured in await asyncio.gather(*asked)}


async def _measure(name: str, url: str, etcd: Etcd) -> Measured:
    status, trouble = None, None
    try:
        try:
            status = await etcd.status(deadline=DEADLINE)
        except RequorumError as error:
            trouble = error.message
        serializable, refusal = await _timed(etcd, serializable=True)
        linearizable, failure = await _timed(etcd, serializable=False)
    finally:
        await etcd.close()
    return Measured(
        name, url, None, status, linearizable, serializable, trouble or failure or refusal
    )


async def _timed(etcd: Etcd, *, serializable: bool) -> tuple[float | None, str | None]:
    """Return how long a read took; one that lacks but our rights was answered as well."""
    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        await etcd.get(PROBE, serializable=serializable, keys_only=True, deadline=DEADLINE)
    except RequorumError as error:
        refused = isinstance(error, EtcdError) and any(w in error.message for w in AUTH_REFUSALS)
        if not refused:
            return None, error.message
    return clock() - began, None


async def _rows_and_alarms(
    answers: Mapping[str, Measured], connect: ConnectNamed
) -> tuple[Sequence[ListedMember], tuple[Alarm, ...] | None]:
    """Ask whoever reads first; without a quorum, whoever answers, for what it knows itself."""
    order = sorted(answers.values(), key=lambda m: (m.linearizable is None, m.status is None))
    for measured in order:
        if measured.status is None and measured.linearizable is None:
            continue
        etcd = connect(measured.name, measured.client_url)
        try:
            served = measured.linearizable is not None
            rows = await etcd.members(deadline=DEADLINE, linearizable=served)
            return rows, await etcd.alarms(deadline=DEADLINE) if served else None
        except RequorumError:
            continue
        finally:
            await etcd.close()
    return (), None


def _with_row(measured: Measured, names: Mapping[str, ListedMember]) -> Measured:
    row = names.get(measured.name)
    status, trouble = measured.status, measured.trouble
    if row is not None and status is not None and status.header.member_id != row.id:
        trouble = f"at its client URL answers {status.header.member_id:x}, another member"
        status = None
    return Measured(
        measured.name,
        measured.client_url,
        row,
        status,
        measured.linearizable if status is not None or trouble is None else None,
        measured.serializable,
        trouble,
    )


async def _hashes(
    members: Sequence[Measured], connect: ConnectNamed
) -> Mapping[str, HashKv] | None:
    """Return the hash of each voter that reads, at one revision that all of them have.

    None where they cannot be had alike within a few attempts: a compaction goes on.
    """
    asked = [m for m in members if m.linearizable is not None and m.status is not None]
    if not asked:
        return None
    clients = {m.name: connect(m.name, m.client_url) for m in asked}
    try:
        for _ in range(HASH_ATTEMPTS):
            found = await _hashed(clients)
            if len({(h.revision, h.compact_revision) for h in found.values()}) == 1:
                return found
    except RequorumError:
        return None
    finally:
        for client in clients.values():
            await client.close()
    return None


async def _hashed(clients: Mapping[str, Etcd]) -> dict[str, HashKv]:
    statuses = await asyncio.gather(*(c.status(deadline=DEADLINE) for c in clients.values()))
    revision = min(status.header.revision for status in statuses)
    hashes = await asyncio.gather(
        *(c.hash_kv(revision, deadline=HASH_DEADLINE) for c in clients.values())
    )
    return dict(zip(clients, hashes, strict=True))
