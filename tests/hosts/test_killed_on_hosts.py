"""requorum killed, or its connections cut, while it recovers real hosts: on it goes, or back.

A few moments run with `make test-hosts`; every step boundary with `make host-kill-trials`.
"""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from host_site import HostSite
from killed_run import (
    Moment,
    healthy_without_loss,
    originals,
    recovery_killed,
    resume_to_health,
    roll_back_to,
    state_of,
)
from practice_site import Finished

pytestmark = [pytest.mark.hosts, pytest.mark.etcd, pytest.mark.timeout(400)]

LINES = 70
"""More lines than the journal of a rescue of three hosts with two clients each has."""

# Lines of the journal: first the clients are stopped and the image is built, then it is sent, data
# is set aside, restored and started; in the end the clients are started.
SENDING, ASIDE, RESTORING, STARTED, CLIENTS = 18, 24, 30, 37, 47


@pytest.fixture
def site(crashed_site: HostSite, tmp_path: Path) -> Iterator[HostSite]:
    """Return the crash as it was."""
    found = crashed_site.put_back(tmp_path / "state")
    yield found
    found.end_started()


@pytest.mark.parametrize("moment", [Moment(SENDING, 0.05), Moment(CLIENTS)], ids=str)
def test_killed_and_resumed(site: HostSite, moment: Moment) -> None:
    """Whatever was half done when SIGKILL came, `runs resume` brings the rest about."""
    recovery_killed(site, moment)
    resume_to_health(site)


@pytest.mark.parametrize("moment", [Moment(ASIDE), Moment(RESTORING, 0.1)], ids=str)
def test_killed_and_rolled_back(site: HostSite, moment: Moment) -> None:
    """Every original directory is back, byte for byte, on every host."""
    before = originals(site)
    recovery_killed(site, moment)
    roll_back_to(site, before)


@pytest.mark.parametrize("moment", [Moment(RESTORING, 0.1), Moment(STARTED)], ids=str)
def test_connections_cut(site: HostSite, moment: Moment) -> None:
    """The run goes on by itself where nothing was half done; else it is resumed."""
    cut_and_resumed(site, moment)


def cut_and_resumed(site: HostSite, moment: Moment) -> None:
    """End every ssh session of the operator at that moment; in the end nothing is lost."""
    process = site.start_recover()
    await_lines(site, process, moment)
    site.cut_connections()
    out, err = process.communicate(timeout=200)
    assert "Traceback" not in err, err
    done = Finished(process.returncode, out, err)
    if done.code == 0:
        healthy_without_loss(site, done.result)
        assert site.verdict().clean
        return
    assert done.hint, err
    resume_to_health(site)


def await_lines(site: HostSite, process: "subprocess.Popen[str]", moment: Moment) -> None:
    """Wait until the journal has so many lines, or its process ended."""
    end = time.monotonic() + 120
    while len(site.journal_lines()) < moment.line and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.001)
    time.sleep(moment.after)


def every_boundary() -> Iterator[tuple[str, int]]:
    """Yield each step boundary with each way that is tried at it."""
    for line in range(2, LINES):
        for way in ("resume", "rollback", "cut"):
            yield way, line


@pytest.mark.kill
@pytest.mark.parametrize(("way", "line"), tuple(every_boundary()))
def test_at_every_boundary(site: HostSite, way: str, line: int) -> None:
    """No kill and no cut, wherever it falls, loses a write or changes an original directory."""
    if way == "cut":
        cut_and_resumed(site, Moment(line))
        return
    before = originals(site)
    recovery_killed(site, Moment(line))
    if way == "rollback" and state_of(site).can_rollback:
        roll_back_to(site, before)
    else:
        resume_to_health(site)
