"""`lab count`: every finding is counted and named, as what it is."""

import asyncio
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from requorum.app.practice.lab import SHOWN_OF_A_KIND, Count
from requorum.cli.main import cli
from requorum.lab.acks import Ack, AckLog, Intent, Put
from requorum.lab.layout import Lab
from requorum.lab.oracle import Found, LostKey, LostWrite, Renumbered, Verdict, judge
from requorum.lab.practice import wait_ready
from requorum.lab.promises import GrantedLease, Transaction, Write, promises_of
from requorum.lab.values import value_of
from requorum.ports.etcd import Etcd, KeyValue, PutOp

WRITTEN = [Intent(seq=1, operation=Put(key="a")), Ack(seq=1, revision=2)]


def found(*foreign: str) -> Found:
    """Return a cluster that has what was written, and keys of nobody."""
    ours = KeyValue(b"a", value_of("w", 1), 2, 2, 1, 0)
    others = {key: KeyValue(key.encode(), b"x", 3, 3, 1, 0) for key in foreign}
    return Found(9, {"a": ours, **others}, frozenset())


def counted(*foreign: str) -> Count:
    """Return the count of it."""
    return Count.of(judge(promises_of({"w": WRITTEN}), found(*foreign)))


def test_nothing_but_what_was_written() -> None:
    """It is clean."""
    count = counted()
    assert (count.acknowledged, count.lost, count.foreign, count.clean) == (1, 0, 0, True)
    assert count.shown == ()


def test_foreign_keys_are_no_lost_writes() -> None:
    """They are counted apart, and named for what is known of them."""
    count = counted("foo", "bar")
    assert (count.acknowledged, count.lost, count.foreign, count.clean) == (1, 0, 2, False)
    assert count.shown == (
        "bar is foreign: no load wrote it",
        "foo is foreign: no load wrote it",
    )


def test_many_findings_of_one_kind_do_not_hide_another() -> None:
    """The first of each kind are shown, and how many more there are."""
    lost = LostWrite("w", 1, 2, "put")
    verdict = Verdict(
        acknowledged=99,
        keys=99,
        missing=tuple(LostKey(f"k{n}", "value w/1", "absent", (lost,)) for n in range(12)),
        wrong_value=(),
        resurrected=(),
        foreign=tuple(f"f{n:02}" for n in range(SHOWN_OF_A_KIND + 3)),
        out_of_order=(Renumbered("o", 5, 4),),
        renumbered=(),
        missing_leases=(GrantedLease(7, "w", 1, None),),
        torn=(Transaction(Write("w", 3, None, Put(key="p")), "p", "d"),),
        contradictions=("w, operation 2: a key to be deleted was not there",),
    )
    count = Count.of(verdict)
    assert count.foreign == SHOWN_OF_A_KIND + 3
    assert count.shown.count("and 3 more like these") == 1
    assert count.shown.count("and 2 more like these") == 1
    for line in (
        "k0: expected value w/1, found absent",
        "lease 7 is gone",
        "f00 is foreign: no load wrote it",
        "o: revision 5 became 4",
        "p, d: a transaction was applied by half",
        "w, operation 2: a key to be deleted was not there",
    ):
        assert line in count.shown


def acknowledge(lab: Lab, revision: int) -> None:
    """Record one put as a writer would."""
    with AckLog(lab.acks / "r1-w00.jsonl") as log:
        log.write(Intent(seq=1, operation=Put(key="a")))
        log.write(Ack(seq=1, revision=revision))


async def count_of(lab: Lab) -> Result:
    """Run the command; it has an event loop of its own."""
    arguments = ["lab", "count", "--dir", str(lab.directory)]
    return await asyncio.to_thread(CliRunner().invoke, cli, arguments)


@pytest.mark.etcd
async def test_on_a_cluster_that_others_write_to(
    practice_cluster: Callable[..., Lab], connect: Callable[[str], Etcd]
) -> None:
    """Every acknowledged write is there, and so are keys that no load wrote: exit code 1."""
    lab = practice_cluster("3.5", members=1)
    await wait_ready(lab, connect, deadline=30)
    etcd = connect(lab.client_urls[0])
    try:
        put = PutOp(b"a", value_of("r1-w00", 1))
        revision = (await etcd.put(put, deadline=5)).revision
        acknowledge(lab, revision)
        assert (await count_of(lab)).stdout == "1 acknowledged writes, 0 missing\n"
        await etcd.put(PutOp(b"theirs\x1b[2J", b"x"), deadline=5)
    finally:
        await etcd.close()
    done = await count_of(lab)
    assert done.exit_code == 1
    assert done.stdout == (
        "1 acknowledged writes, 0 missing; 1 foreign key\n"
        "  theirs\\x1b[2J is foreign: no load wrote it\n"
    )
