"""A member replaced on a real cluster, by the command line, while clients write to the others."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from practice_site import Finished, Site
from sites import Sites

from requorum.clients.etcd import rpc_pb2, rpcs
from requorum.clients.etcd.client import EtcdClient
from requorum.errors import EtcdError
from requorum.ports.etcd import Etcd, ListedMember, MemberStatus

pytestmark = pytest.mark.etcd

ONE_ELECTION = 8
"""A write of each writer, unknown while a leader is elected: a busy machine may elect one anew."""

Answer = TypeVar("Answer")
LOST, OTHERS = "etcd3", ("etcd1", "etcd2")


def ask(site: Site, name: str, call: Callable[[Etcd], Awaitable[Answer]]) -> Answer:
    """Ask one member."""

    async def act() -> Answer:
        etcd = site.connect(site.lab.client_url(name))
        try:
            return await _once_connected(etcd, call)
        finally:
            await etcd.close()

    return asyncio.run(act())


async def _once_connected(etcd: Etcd, call: Callable[[Etcd], Awaitable[Answer]]) -> Answer:
    """Repeat while etcd waits for its peers to be connected for five seconds, or for a leader."""
    end = asyncio.get_running_loop().time() + 30
    while True:
        try:
            return await call(etcd)
        except EtcdError as error:
            passes = any(
                words in error.message for words in ("unhealthy cluster", "leader changed")
            )
            if not passes or asyncio.get_running_loop().time() > end:
                raise
        await asyncio.sleep(0.2)


def listed(site: Site, *, through: str = "etcd1") -> dict[str, ListedMember]:
    """Return etcd's list, by name."""
    rows = ask(site, through, lambda etcd: etcd.members(deadline=10))
    return {row.name: row for row in rows}


def leader(site: Site, *, through: str = "etcd1") -> str:
    """Return the leader's name."""
    status: MemberStatus = ask(site, through, lambda etcd: etcd.status(deadline=10))
    rows = listed(site, through=through)
    return next(name for name, row in rows.items() if row.id == status.leader)


def replaced(site: Site, done: Finished, name: str = LOST) -> dict[str, Any]:
    """Check the result, the list and the count; return the result."""
    assert done.code == 0, done.stderr
    assert done.result["outcome"] == "replaced"
    assert done.result["members"] == [{"name": n, "healthy": True} for n in site.lab.names]
    rows = listed(site)
    assert sorted(rows) == sorted(site.lab.names)
    assert not rows[name].is_learner
    assert site.verdict().clean, site.verdict()
    return done.result


def replace_under_load(site: Site, name: str = LOST) -> tuple[Finished, int]:
    """Replace a member while others are written to; return what came of it, and failed writes."""
    found: list[Finished] = []
    totals = site.load(
        200, then=lambda: found.append(site.member("replace", name)), apart_from=[name]
    )
    assert totals.acknowledged > 200
    return found[0], totals.unknown


def let_lead(site: Site, wanted: str) -> None:
    """Hand the leadership to a member."""
    now = leader(site)
    if now != wanted:
        target = listed(site)[wanted].id
        ask(site, now, lambda etcd: etcd.move_leader(target, deadline=10))
    assert leader(site) == wanted


def test_a_member_without_its_disk(sites: Sites, etcd_minor: str) -> None:
    """It comes back under a new ID with everything; no write fails but in one election."""
    site = sites.new(etcd_minor)
    site.load(300)
    let_lead(site, "etcd1")
    old = listed(site)[LOST].id
    site.supervise("kill", LOST)
    site.damage(f"lost-disk:{LOST}")
    done, failed = replace_under_load(site)
    replaced(site, done)
    assert failed <= ONE_ELECTION
    assert listed(site)[LOST].id != old
    (backup,) = site.state_dir.glob("runs/*/before.db")
    assert backup.stat().st_size > 0


def test_a_damaged_leader_that_runs(sites: Sites, etcd_minor: str) -> None:
    """The leadership is handed over before it is stopped; its old data is kept."""
    site = sites.new(etcd_minor)
    site.load(300)
    let_lead(site, LOST)
    done, failed = replace_under_load(site)
    replaced(site, done)
    assert "move the leadership away from etcd3" in done.stderr
    assert failed <= ONE_ELECTION
    (kept,) = site.lab.data_dir(LOST).parent.glob("data.requorum-*/original/member/snap/db")
    assert kept.stat().st_size > 0


def test_one_that_was_damaged_and_does_not_start(sites: Sites) -> None:
    """As `recover` says of it: a quorum is alive, replace it."""
    site = sites.new("3.5")
    site.load(300)
    site.supervise("stop", LOST)
    site.damage(f"wal-record-flipped:{LOST}")
    refused = site.recover()
    assert f"requorum member replace {LOST}" in refused.hint
    replaced(site, site.member("replace", LOST))


def test_one_that_moves_to_another_address(sites: Sites) -> None:
    """The old one is found by its name; the new address is in the list then."""
    site = sites.new("3.6")
    site.load(300)
    site.supervise("kill", LOST)
    spare = sites.describe("3.6", members=1)
    moved = _moved(site, LOST, spare.lab.members[0].peer_port, spare.lab.members[0].client_port)
    done = moved.member("replace", LOST)
    replaced(moved, done)
    assert "moves from" in "".join(done.result["warnings"])
    assert listed(moved)[LOST].peer_urls == (moved.lab.peer_url(LOST),)


def _moved(site: Site, name: str, peer_port: int, client_port: int) -> Site:
    """Return the site once one member's ports are others, in all files that say so."""
    members = tuple(
        m.model_copy(update={"peer_port": peer_port, "client_port": client_port})
        if m.name == name
        else m
        for m in site.lab.members
    )
    lab = site.lab.model_copy(update={"members": members})
    argv = site.lab.directory / name / "argv.json"
    text = argv.read_text()
    for old, new in (
        (site.lab.peer_url(name), lab.peer_url(name)),
        (site.lab.client_url(name), lab.client_url(name)),
    ):
        text = text.replace(old, new)
        described = site.lab.cluster_file.read_text()
        site.lab.cluster_file.write_text(described.replace(old, new))
    argv.write_text(text)
    return Site(lab=lab, state_dir=site.state_dir, etcd_cache=site.etcd_cache)


@pytest.mark.parametrize("version", ["3.4", "3.5", "3.6"])
def test_one_whose_data_differs(sites: Sites, version: str) -> None:
    """Its CORRUPT alarm is disarmed once it is gone: the others would take no writes."""
    site = sites.new(version)
    site.load(300)
    row = listed(site)[LOST]
    request = rpc_pb2.AlarmRequest(
        action=rpc_pb2.AlarmRequest.ACTIVATE, memberID=row.id, alarm=rpc_pb2.CORRUPT
    )

    async def raise_alarm(etcd: Etcd) -> None:
        assert isinstance(etcd, EtcdClient)
        await etcd._call(rpcs.ALARM, request, deadline=10)

    ask(site, "etcd1", raise_alarm)
    done = site.member("replace", LOST)
    replaced(site, done)
    assert "disarm the alarm CORRUPT" in done.stderr
    assert ask(site, "etcd1", lambda etcd: etcd.alarms(deadline=10)) == ()
    site.load(100)


@pytest.mark.parametrize("version", ["3.6", "3.7"])
def test_two_of_five_are_replaced_one_after_the_other(sites: Sites, version: str) -> None:
    """While one is replaced the other one is missing, and a quorum stays."""
    site = sites.new(version, members=5)
    site.load(300)
    lose(site, "etcd4", "etcd5")
    first = site.member("replace", "etcd4")
    assert first.code == 0, first.stderr
    healthy = {m["name"]: m["healthy"] for m in first.result["members"]}
    assert healthy == {"etcd1": True, "etcd2": True, "etcd3": True, "etcd4": True, "etcd5": False}
    replaced(site, site.member("replace", "etcd5"), "etcd5")


@pytest.mark.parametrize("version", ["3.4", "3.5"])
def test_two_of_five_where_etcd_adds_nobody_while_one_is_down(sites: Sites, version: str) -> None:
    """One is removed, then the other is replaced, then the first is added again."""
    site = sites.new(version, members=5)
    site.load(300)
    lose(site, "etcd4", "etcd5")
    error, hint = refusal(site.member("replace", "etcd4"))
    assert error.startswith("etcd5 does not serve, and etcd 3.")
    assert "`requorum member remove etcd5`" in hint
    removed = site.member("remove", "etcd5")
    assert removed.code == 0, removed.stderr
    assert removed.result["outcome"] == "removed"
    assert site.member("replace", "etcd4").code == 0
    assert site.member("add", "etcd5").code == 0
    assert sorted(listed(site)) == list(site.lab.names)
    assert site.verdict().clean, site.verdict()


def lose(site: Site, *names: str) -> None:
    """Kill members and take their disks."""
    site.supervise("kill", *names)
    site.damage(*(f"lost-disk:{name}" for name in names))


def test_a_cluster_of_one_grows_to_three(sites: Sites, etcd_minor: str) -> None:
    """As after a recovery that brought fewer members back: each is added as a learner."""
    site = sites.new(etcd_minor)
    site.load(300)
    for name in ("etcd3", "etcd2"):
        let_lead(site, "etcd1")
        row = listed(site)[name]
        ask(site, "etcd1", lambda etcd, row=row: etcd.remove_member(row.id, deadline=30))
        site.supervise("stop", name)
    for name in ("etcd2", "etcd3"):
        done = site.member("add", name)
        assert done.code == 0, done.stderr
        assert (done.result["outcome"], done.result["path"]) == ("added", "add")
        assert f"{name} has data of its own" in "".join(done.result["warnings"])
    assert sorted(listed(site)) == list(site.lab.names)
    assert all(not row.is_learner for row in listed(site).values())
    assert site.verdict().clean, site.verdict()


def test_a_leader_is_removed(sites: Sites) -> None:
    """The leadership is handed over, the process stopped, its data kept; the others go on."""
    site = sites.new("3.6", members=5)
    site.load(300)
    let_lead(site, "etcd5")
    found: list[Finished] = []
    totals = site.load(
        200, then=lambda: found.append(site.member("remove", "etcd5")), apart_from=["etcd5"]
    )
    (done,) = found
    assert done.code == 0, done.stderr
    assert done.result["outcome"] == "removed"
    assert [m["name"] for m in done.result["members"]] == ["etcd1", "etcd2", "etcd3", "etcd4"]
    assert "4 voters survive the loss of 1, as 3 do" in "".join(done.result["warnings"])
    assert totals.unknown <= ONE_ELECTION
    assert not site.runs("etcd5")
    assert not site.lab.data_dir("etcd5").exists()
    (kept,) = site.lab.data_dir("etcd5").parent.glob("data.requorum-*/original/member/snap/db")
    assert kept.stat().st_size > 0
    assert sorted(listed(site)) == ["etcd1", "etcd2", "etcd3", "etcd4"]
    assert site.verdict().clean, site.verdict()


@pytest.fixture(scope="module")
def serving(sites: Sites) -> Site:
    """Return a cluster that serves; each test leaves it as it was."""
    site = sites.new("3.5")
    site.load(100)
    return site


def refusal(done: Finished) -> tuple[str, str]:
    """Check that nothing ran, and return error and hint."""
    assert (done.code, done.result["outcome"]) == (3, "refused"), done.stderr
    assert done.result["run"] is None
    return done.result["error"], done.result["hint"]


def test_never_from_a_backup(serving: Site, tmp_path: Path) -> None:
    """What is restored has IDs of its own."""
    done = serving.member("replace", LOST, "--from-backup", str(tmp_path / "backup.db"))
    error, hint = refusal(done)
    assert "IDs of its own" in error
    assert "requorum member replace etcd3" in hint


def test_who_is_a_member_is_not_added(serving: Site) -> None:
    """A name that is taken is refused."""
    error, hint = refusal(serving.member("add", LOST))
    assert error.startswith("etcd3 is a member already")
    assert "member replace etcd3" in hint


def test_while_another_learns(serving: Site) -> None:
    """One learner at a time is what etcd takes: whose it is is said."""
    learner = ask(
        serving,
        "etcd1",
        lambda etcd: etcd.add_member(["http://127.0.0.1:1"], learner=True, deadline=10),
    )
    try:
        error, hint = refusal(serving.member("replace", LOST))
    finally:
        ask(serving, "etcd1", lambda etcd: etcd.remove_member(learner.id, deadline=10))
    assert "is a learner, and etcd takes one at a time" in error
    assert "promote it, or remove it" in hint


def test_without_a_way_to_configure_it(serving: Site) -> None:
    """What its start has to carry is printed, ready to paste."""
    text = serving.lab.cluster_file.read_text()

    def forget(described: dict[str, Any]) -> None:
        for member in described["members"]:
            del member["service"]["configure"]

    serving.rewrite_cluster_file(forget)
    try:
        error, hint = refusal(serving.member("replace", LOST))
    finally:
        serving.lab.cluster_file.write_text(text)
    assert "--initial-cluster-state=existing" in error
    assert f"etcd3={serving.lab.peer_url('etcd3')}" in error
    assert "`configure` command" in hint


def test_where_the_quorum_would_be_lost(serving: Site) -> None:
    """With one voter missing no other one is touched: whom to mend first is said."""
    serving.supervise("kill", "etcd2")
    try:
        error, hint = refusal(serving.member("replace", LOST))
    finally:
        serving.supervise("start", "etcd2")
        serving.await_ready()
    assert "to stop etcd3 would take the quorum away: 1 of 3 voters healthy" in error
    assert hint.startswith("First bring back etcd2")


def test_without_a_quorum(serving: Site) -> None:
    """Nobody can change a membership then: recovery is named."""
    serving.supervise("kill", "etcd2", LOST)
    try:
        error, hint = refusal(serving.member("replace", LOST))
    finally:
        serving.supervise("start", "etcd2", LOST)
        serving.await_ready()
    assert "no quorum serves" in error
    assert "requorum recover" in hint


def test_an_unknown_member(serving: Site) -> None:
    """Which there are is said."""
    done = serving.requorum("member", "replace", "etcd9", "-c", str(serving.lab.cluster_file))
    assert done.code == 2
    assert "etcd1, etcd2, etcd3" in done.hint


def test_an_etcd_of_another_minor(serving: Site, sites: Sites) -> None:
    """The new member's own etcd has to fit the others'."""
    other = sites.describe("3.4", members=1)
    done = serving.member("replace", LOST, "--etcd-bin-dir", str(other.lab.bin_dir))
    error, _ = refusal(done)
    assert "3.5" in error
    shutil.rmtree(other.lab.directory)
