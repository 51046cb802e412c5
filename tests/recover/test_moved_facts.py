"""What was approved is what runs: the world moved between the plan and the run, or during it."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from killed_run import WATCH_SECONDS, originals, roll_back_to, state_of
from practice_site import Site
from sites import Sites

from requorum.app.cluster_file import load_cluster_file
from requorum.app.recovery.carry_out import run_prepared
from requorum.app.recovery.operator import Operator
from requorum.app.recovery.prepared import Prepared
from requorum.app.recovery.recover import prepare_recovery
from requorum.app.settings import Settings
from requorum.cli.approval import StepPrinter
from requorum.errors import FactsChanged

pytestmark = pytest.mark.etcd


@pytest.fixture(scope="module")
def crash(sites: Sites) -> Site:
    """Return the crash that these tests share."""
    return sites.crashed("3.5", "lost-disk:etcd1", "db-truncated:etcd2", writes=500)


def run_after(site: Site, change: Callable[[], None]) -> None:
    """Plan, let the world change, and run what was approved."""

    async def act() -> None:
        settings = Settings(
            runs_dir=site.state_dir / "runs",
            etcd_cache=site.etcd_cache,
            host_images=site.state_dir / "unused",
        )
        operator = Operator(settings=settings)
        cluster = load_cluster_file(str(site.lab.cluster_file))
        prepared = await prepare_recovery(operator, cluster)
        assert isinstance(prepared, Prepared)
        await asyncio.to_thread(change)
        await run_prepared(operator, prepared, StepPrinter(len(prepared.plan.steps)))

    asyncio.run(act())


def grown(path: Path) -> None:
    """Append one byte."""
    with path.open("ab") as file:
        file.write(b"\0")


@pytest.mark.parametrize(
    "change",
    [
        lambda site: (site.lab.data_dir("etcd3") / "member/snap/db").touch(),
        lambda site: grown(next((site.lab.data_dir("etcd3") / "member/wal").glob("*.wal"))),
        lambda site: grown(site.lab.data_dir("etcd2") / "member/snap/db"),
        lambda site: site.lab.data_dir("etcd2").rename(site.lab.directory / "etcd2" / "moved"),
    ],
    ids=["db-touched", "wal-grown", "damaged-db-grown", "directory-gone"],
)
def test_files_that_moved_since_the_plan(
    crash: Site, tmp_path: Path, change: Callable[[Site], None]
) -> None:
    """The plan is refused, with nothing done, and a new one is asked for."""
    site = crash.put_back(tmp_path / "state")
    seen = []

    def move() -> None:
        change(site)
        seen.append(originals(site))

    with pytest.raises(FactsChanged, match="have changed since it was made") as caught:
        run_after(site, move)
    assert caught.value.exit_code == 3
    assert "Plan anew" in (caught.value.hint or "")
    assert originals(site) == seen[0]
    assert not state_of(site).was_touched


def test_a_member_that_starts_between_plan_and_run(crash: Site, tmp_path: Path) -> None:
    """It is left running, and the others' data is left alone."""
    site = crash.put_back(tmp_path / "state")
    before = originals(site)
    with pytest.raises(FactsChanged):
        run_after(site, lambda: site.supervise("start", "etcd3"))
    assert site.runs("etcd3")
    after = originals(site)
    assert (after["etcd1"], after["etcd2"]) == (before["etcd1"], before["etcd2"])
    assert not state_of(site).was_touched
    assert not list(site.lab.directory.glob("*/data.requorum*"))


@contextmanager
def restarting(site: Site, name: str, *, from_line: int) -> Iterator[None]:
    """Restart a member whenever it is down, once the journal has so many lines."""
    stop = threading.Event()

    def keep_up() -> None:
        while not stop.wait(0.005):
            if len(site.journal_lines()) >= from_line and not site.runs(name):
                site.supervise("start", name)

    thread = threading.Thread(target=keep_up)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(WATCH_SECONDS)
        site.supervise("kill", name)


@pytest.mark.parametrize("from_line", [4, 11], ids=["before-it-is-set-aside", "after"])
@pytest.mark.parametrize("name", ["etcd2", "etcd3"])
def test_a_supervisor_that_restarts_a_member_during_the_run(
    crash: Site, tmp_path: Path, from_line: int, name: str
) -> None:
    """The run fails with what to do, or gets through; no original is lost either way."""
    site = crash.put_back(tmp_path / "state")
    before = originals(site)
    with restarting(site, name, from_line=from_line):
        done = site.recover()
    if done.code == 0:
        assert site.verdict().clean
        return
    assert (done.code, done.result["outcome"]) == (1, "failed")
    assert "supervisor" in done.result["hint"] or "an etcd that was started" in done.result["hint"]
    site.kill_all()
    roll_back_to(site, before, apart_from={name} if from_line == 4 else ())
