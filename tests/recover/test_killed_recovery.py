"""requorum killed with SIGKILL while it recovers a real cluster: on it goes, or back."""

from collections.abc import Callable
from pathlib import Path

import pytest
from killed_run import (
    Moment,
    healthy_without_loss,
    originals,
    recovery_killed,
    resume_to_health,
    roll_back_to,
    state_of,
)
from practice_site import Site
from sites import Sites

pytestmark = pytest.mark.etcd

CrashOf = Callable[[str], Site]
DAMAGES = ("lost-disk:etcd1", "wal-record-flipped:etcd2")


@pytest.fixture(scope="module")
def crash_of(sites: Sites) -> CrashOf:
    """Return a function: version → the one crash of it that these tests share."""
    made: dict[str, Site] = {}

    def crash(version: str) -> Site:
        if version not in made:
            made[version] = sites.crashed(version, *DAMAGES)
        return made[version]

    return crash


# Lines of the journal: 3 started, 4 and 5 the image, 6 to 11 set aside, 12 to 17 restore,
# 18 to 23 start, 24 and 25 health. The `kill` trial takes all of them.
@pytest.mark.parametrize(
    ("version", "moment"),
    [
        ("3.5", Moment(2)),
        ("3.5", Moment(4, 0.3)),
        ("3.5", Moment(8)),
        ("3.5", Moment(14, 0.1)),
        ("3.5", Moment(18)),
        ("3.5", Moment(25)),
        ("3.4", Moment(5)),
        ("3.6", Moment(16)),
    ],
    ids=str,
)
def test_a_killed_recovery_resumes_to_health(
    crash_of: CrashOf, tmp_path: Path, version: str, moment: Moment
) -> None:
    """Whatever was half done when SIGKILL came, `runs resume` brings the rest about."""
    site = crash_of(version).put_back(tmp_path / "state")
    recovery_killed(site, moment)
    resume_to_health(site)


@pytest.mark.parametrize(
    ("version", "moment", "killed_back"),
    [
        ("3.5", Moment(4, 0.2), None),
        ("3.5", Moment(10), Moment(2)),
        ("3.5", Moment(12, 0.2), Moment(4)),
        ("3.5", Moment(22), Moment(9)),
        ("3.4", Moment(17), None),
        ("3.6", Moment(13, 0.05), None),
    ],
    ids=str,
)
def test_a_killed_recovery_rolls_back_byte_for_byte(
    crash_of: CrashOf, tmp_path: Path, version: str, moment: Moment, killed_back: Moment | None
) -> None:
    """Every original directory is back, also where the way back was killed as well."""
    site = crash_of(version).put_back(tmp_path / "state")
    before = originals(site)
    recovery_killed(site, moment)
    roll_back_to(site, before, killed=killed_back)


def test_after_a_rollback_a_new_recovery_finds_everything(
    crash_of: CrashOf, tmp_path: Path
) -> None:
    """What a run left beside the data is in nobody's way."""
    site = crash_of("3.5").put_back(tmp_path / "state")
    before = originals(site)
    recovery_killed(site, Moment(20))
    roll_back_to(site, before, killed=None)
    again = site.recover()
    assert again.code == 0, again.stderr
    healthy_without_loss(site, again.result)
    assert site.verdict().clean


def test_a_finished_run_does_not_go_back(crash_of: CrashOf, tmp_path: Path) -> None:
    """After the last step others may have built on the result."""
    site = crash_of("3.5").put_back(tmp_path / "state")
    assert site.recover().code == 0
    back = site.requorum("runs", "rollback", "latest", "--yes")
    assert back.code == 3
    assert "cannot be rolled back any more" in back.stderr
    assert state_of(site).status == "finished"
