"""`make kill-trials N=…`: at every step boundary, then at random moments, over and over.

The trials are numbered from 1; `make kill-trials N=62-62` repeats one of them.
"""

from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from killed_run import (
    LINES,
    Moment,
    kill_the_resumed,
    originals,
    recovery_killed,
    resume_to_health,
    roll_back_to,
    state_of,
)
from practice_site import Site
from sites import Sites

pytestmark = [pytest.mark.etcd, pytest.mark.kill, pytest.mark.timeout(0)]

VERSIONS = ("3.5", "3.4", "3.6", "3.7")
DAMAGES = {
    "3.4": ("lost-disk:etcd1", "wal-record-flipped:etcd2"),
    "3.5": ("lost-disk:etcd1", "wal-record-flipped:etcd2"),
    "3.6": ("db-truncated:etcd1", "db-page-flipped:etcd2"),
    "3.7": ("db-meta-flipped:etcd3", "db-truncated:etcd2", "lost-disk:etcd1"),
}
BOUNDARIES = range(2, LINES)


@dataclass(frozen=True)
class Trial:
    """One kill, and the way that is taken after it."""

    version: str
    moment: Moment
    back: bool
    killed_again: Moment | None

    @classmethod
    def number(cls, number: int) -> "Trial":
        """Return that trial: first every boundary of 3.5 in both directions, then by the dice."""
        if number <= 2 * len(BOUNDARIES):
            place, back = divmod(number - 1, 2)
            return cls("3.5", Moment(BOUNDARIES[place]), bool(back), None)
        random = Random(number)
        again = Moment(random.randint(1, 12), random.random() * 0.1)
        return cls(
            version=random.choice(VERSIONS),
            moment=Moment.at_random(random),
            back=random.random() < 0.5,
            killed_again=random.choice([None, again]),
        )


def test_killed_again_and_again(
    sites: Sites, tmp_path: Path, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    """No kill, wherever it falls, loses a write or changes an original directory."""
    crashes: dict[str, Site] = {}
    numbers = trial_numbers(pytestconfig.getoption("kill_trials"))
    for number in numbers:
        trial = Trial.number(number)
        if trial.version not in crashes:
            damages = DAMAGES[trial.version]
            crashes[trial.version] = sites.crashed(trial.version, *damages)
        with capsys.disabled():
            print(f"\nkill trial {number} of {numbers[-1]}: {trial}", end="", flush=True)
        carry_out(trial, crashes[trial.version].put_back(tmp_path / f"state{number}"))
    assert numbers


def trial_numbers(asked: str) -> range:
    """Read "100", the first hundred, or "61-75"."""
    first, dash, last = asked.partition("-")
    return range(int(first), int(last) + 1) if dash else range(1, int(first) + 1)


def carry_out(trial: Trial, site: Site) -> None:
    """Kill once or twice, then go on or back, and compare."""
    before = originals(site)
    recovery_killed(site, trial.moment)
    if trial.back and state_of(site).can_rollback:
        roll_back_to(site, before, killed=trial.killed_again)
        return
    if trial.killed_again is not None and state_of(site).can_resume:
        kill_the_resumed(site, trial.killed_again)
    resume_to_health(site)
