"""A recovery that is killed at one moment, and what must hold after it."""

import subprocess
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from random import Random

from file_tree import Entry, tree_of
from practice_site import Site

from requorum.workflow.run_state import RunState
from requorum.workflow.runs import ListedRun, read_run

LINES = 26
"""Lines in the journal of a rescue of three members that nobody disturbs."""

WATCH_SECONDS = 120


Trees = dict[str, dict[str, Entry]]
"""Every member's data directory, by name."""


@dataclass(frozen=True)
class Moment:
    """`after` seconds behind the moment at which the journal has `line` lines."""

    line: int
    after: float = 0.0

    @classmethod
    def at_random(cls, random: Random) -> "Moment":
        """Return a moment inside of a step: which one, and how deep, by the dice."""
        return cls(random.randint(2, LINES - 1), random.choice([0.02, 0.2, 1]) * random.random())


def kill_at(site: Site, process: "subprocess.Popen[str]", moment: Moment) -> bool:
    """SIGKILL the process at that moment; return whether it still ran then."""
    end = time.monotonic() + WATCH_SECONDS
    with process:
        while len(site.journal_lines()) < moment.line and process.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.001)
        try:
            process.wait(moment.after)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.returncode < 0


def originals(site: Site) -> Trees:
    """Return every member's data directory, byte for byte."""
    return {name: tree_of(site.lab.data_dir(name)) for name in site.lab.names}


def state_of(site: Site) -> RunState:
    """Return where the newest run stands."""
    run_dir = max(Path(site.state_dir / "runs").iterdir())
    run = read_run(run_dir)
    assert isinstance(run, ListedRun), run
    return run.state


def recovery_killed(site: Site, moment: Moment) -> None:
    """Start a recovery and kill it; nothing of it goes on, and its locks are free."""
    kill_at(site, site.start_recover(), moment)
    nothing_goes_on(site)


def nothing_goes_on(site: Site) -> None:
    """No staging process outlives a killed run, and the kernel has freed what it held.

    The deadline is for a service command under way, which is the supervisor's and ends by itself.
    """
    site.await_alone(deadline=10)
    end = time.monotonic() + 10
    while (holder := state_of(site).held_by) is not None:
        # A child that was forked and has not yet become another program holds what we held.
        assert time.monotonic() < end, holder
        time.sleep(0.01)


def resume_to_health(site: Site) -> None:
    """Go on with the newest run: it ends healthy, and nothing that was acknowledged is lost."""
    if state_of(site).status == "finished":
        too_late = site.requorum("runs", "resume", "latest", "--yes", "-o", "json")
        assert (too_late.code, too_late.result["outcome"]) == (3, "refused")
    else:
        done = site.requorum("runs", "resume", "latest", "--yes", "-o", "json")
        assert done.code == 0, done.stderr
        healthy_without_loss(site, done.result)
    assert site.verdict().clean, site.verdict()
    site.await_alone(deadline=0)


def healthy_without_loss(site: Site, result: dict[str, object]) -> None:
    """Check the one object that recover and resume print."""
    assert result["outcome"] == "recovered"
    assert result["members"] == [{"name": name, "healthy": True} for name in site.lab.names]
    loss = result["loss"]
    assert isinstance(loss, dict)
    assert loss["proven_none"] is True


def roll_back_to(
    site: Site, before: Trees, *, killed: Moment | None = None, apart_from: Collection[str] = ()
) -> None:
    """Take the newest run back, through a kill if one is given: all is as it was.

    `apart_from` are members whose own etcd has written into their directory meanwhile.
    """
    if killed is not None:
        line = len(site.journal_lines()) + killed.line
        back = site.start_requorum("runs", "rollback", "latest", "--yes")
        kill_at(site, back, Moment(line, killed.after))
        nothing_goes_on(site)
    if state_of(site).can_rollback:
        done = site.requorum("runs", "rollback", "latest", "--yes")
        assert done.code == 0, done.stderr
    assert state_of(site).status == "rolled-back"
    assert not any(site.runs(name) for name in site.lab.names)
    now = originals(site)
    assert {n: now[n] for n in now if n not in apart_from} == {
        n: before[n] for n in before if n not in apart_from
    }
    site.await_alone(deadline=0)


def kill_the_resumed(site: Site, moment: Moment) -> None:
    """Go on with the newest run, and kill that as well."""
    line = len(site.journal_lines()) + moment.line
    kill_at(site, site.start_requorum("runs", "resume", "--yes"), Moment(line, moment.after))
    nothing_goes_on(site)
