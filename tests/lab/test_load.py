"""Load on real clusters, judged by the oracle: what raft keeps, and what an old copy loses."""

import asyncio
import random
from collections.abc import Callable

import pytest

from requorum.lab.acks import Ack, Failed, Grant, Intent, Txn, read_records
from requorum.lab.damage.copies import keep_copies
from requorum.lab.damage.inflict import inflict
from requorum.lab.damage.kinds import DamageKind
from requorum.lab.layout import Lab
from requorum.lab.load import Load
from requorum.lab.oracle import Verdict, verdict
from requorum.lab.practice import crash, start_members, wait_ready
from requorum.ports.etcd import Etcd

Connect = Callable[[str], Etcd]
StartPractice = Callable[..., Lab]

pytestmark = pytest.mark.etcd


async def judged(lab: Lab, connect: Connect) -> Verdict:
    """Start the members again and judge what they return."""
    start_members(lab, lab.names)
    await wait_ready(lab, connect, deadline=30)
    etcd = connect(lab.client_urls[0])
    try:
        return await verdict(lab.acks, etcd)
    finally:
        await etcd.close()


async def test_nothing_is_lost_by_a_crash_of_every_member_with_whole_disks(
    etcd_minor: str, practice_cluster: StartPractice, connect: Connect
) -> None:
    """Raft alone brings back every acknowledged write, under its own revision."""
    lab = practice_cluster(etcd_minor)
    await wait_ready(lab, connect, deadline=30)
    load = Load(lab.client_urls, connect, lab.acks, writers=8, seed=1)
    running = asyncio.create_task(load.run())
    await load.reached(1000, deadline=60)
    crash(lab.directory)
    load.stop()
    totals = await running

    result = await judged(lab, connect)

    assert result.clean, result
    assert result.acknowledged > 900
    assert totals.acknowledged >= 1000
    assert result.renumbered == ()


async def test_an_old_copy_loses_what_was_acknowledged_after_it(
    practice_cluster: StartPractice, connect: Connect
) -> None:
    """The oracle finds the loss, and only behind the copy's revision: the count can say no."""
    lab = practice_cluster("3.5", members=1)
    await wait_ready(lab, connect, deadline=30)
    load = Load(lab.client_urls, connect, lab.acks, writers=4, seed=2)
    running = asyncio.create_task(load.run())
    await load.reached(300, deadline=60)
    copied_at = load.totals.revision
    keep_copies(lab)
    await load.reached(load.totals.acknowledged + 300, deadline=60)
    crash(lab.directory)
    load.stop()
    await running
    await inflict(DamageKind.STALE_COPY, lab, "etcd1", random.Random(1), connect=connect)

    result = await judged(lab, connect)

    assert result.lost_count > 100
    assert result.missing
    assert result.resurrected
    assert result.lost_outside([(copied_at, None)]) == ()
    assert result.torn == ()
    assert result.out_of_order == ()


async def test_a_load_outlives_the_loss_of_one_member(
    practice_cluster: StartPractice, connect: Connect
) -> None:
    """Writers go on over the other endpoints, and the records show what became unknown."""
    lab = practice_cluster("3.6")
    await wait_ready(lab, connect, deadline=30)
    load = Load(lab.client_urls, connect, lab.acks, writers=6, seed=4)
    running = asyncio.create_task(load.run())
    await load.reached(200, deadline=60)
    crash(lab.directory, ["etcd1"])
    await load.reached(load.totals.acknowledged + 300, deadline=60)
    load.stop()
    totals = await running

    records = read_records(lab.acks)
    lines = [line for written in records.values() for line in written]
    assert set(records) == {f"r1-w{number:02d}" for number in range(6)}
    assert sum(isinstance(line, Ack) for line in lines) == totals.acknowledged
    assert sum(isinstance(line, Failed) for line in lines) == totals.unknown + totals.refused
    operations = [line.operation for line in lines if isinstance(line, Intent)]
    assert any(isinstance(operation, Txn) for operation in operations)
    assert any(isinstance(operation, Grant) for operation in operations)
    assert (await judged(lab, connect)).clean


async def test_a_cancelled_load_leaves_intents_of_unknown_outcome(
    practice_cluster: StartPractice, connect: Connect
) -> None:
    """What was under way is neither lost nor promised."""
    lab = practice_cluster("3.5", members=1)
    await wait_ready(lab, connect, deadline=30)
    load = Load(lab.client_urls, connect, lab.acks, writers=4, seed=5)
    running = asyncio.create_task(load.run())
    await load.reached(50, deadline=60)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    crash(lab.directory)
    assert (await judged(lab, connect)).clean
