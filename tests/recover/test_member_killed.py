"""requorum killed with SIGKILL while it replaces a member: on it goes, or back."""

import pytest
from file_tree import tree_of
from killed_run import Moment, kill_at, nothing_goes_on, state_of
from practice_site import Site
from sites import Sites
from test_member_replace import ONE_ELECTION, let_lead

pytestmark = pytest.mark.etcd

LOST = "etcd3"
RESUME = ("runs", "resume", "latest", "--yes", "-o", "json")
STEPS_MAX = 12


def killed_at_each_boundary(site: Site) -> int:
    """Replace a member; kill every process as a step begins, the next as it is done; count."""
    kills = 0
    words = site.member_words("replace", LOST)
    before, resumed = 2, 0  # lines that precede the first step's: planned, approved
    for _ in range(2 * STEPS_MAX):
        for line in (2, 3):
            lines = len(site.journal_lines()) or before
            if not kill_at(site, site.start_requorum(*words), Moment(lines + line)):
                return kills
            kills += 1
            nothing_goes_on(site)
            words = list(RESUME)
            resumed += 1
    raise AssertionError(f"not at its end after {resumed} resumptions")


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.5", "3.6"])
def test_a_replacement_killed_at_every_step(sites: Sites, version: str) -> None:
    """Each resumption does one step more; no write is lost, and none fails but in one election."""
    site = sites.new(version)
    site.load(300)
    site.supervise("kill", LOST)
    site.damage(f"lost-disk:{LOST}")
    counted: list[int] = []
    totals = site.load(
        100, then=lambda: counted.append(killed_at_each_boundary(site)), apart_from=[LOST]
    )
    assert counted[0] >= 16, "two for each of eight steps at least"
    assert state_of(site).status == "finished"
    assert totals.unknown <= ONE_ELECTION
    site.await_ready()
    assert site.verdict().clean, site.verdict()


def test_one_killed_before_its_point_of_no_return_goes_back(sites: Sites) -> None:
    """Its data and its settings are what they were, and it serves again as the same member."""
    site = sites.new("3.5")
    site.load(300)
    let_lead(site, "etcd1")
    argv = site.argv(LOST)
    process = site.start_requorum(*site.member_words("replace", LOST))
    assert kill_at(site, process, Moment(12, 0.02)), "while its settings are changed"
    nothing_goes_on(site)
    assert not site.runs(LOST)
    assert list(tree_of(site.lab.data_dir(LOST))) == ["."], "an empty one for what comes"
    done = site.requorum("runs", "rollback", "latest", "--yes", "-o", "json")
    assert done.code == 0, done.stderr
    assert state_of(site).status == "rolled-back"
    assert site.argv(LOST) == argv
    site.await_ready()
    assert site.verdict().clean, site.verdict()


def test_behind_it_there_is_no_way_back(sites: Sites) -> None:
    """What can be done then is said."""
    site = sites.new("3.5")
    site.load(100)
    site.supervise("kill", LOST)
    site.damage(f"lost-disk:{LOST}")
    process = site.start_requorum(*site.member_words("replace", LOST))
    assert kill_at(site, process, Moment(11)), "once it is removed"
    nothing_goes_on(site)
    back = site.requorum("runs", "rollback", "latest", "--yes")
    assert back.code == 3
    assert "cannot be rolled back any more" in back.stderr
    assert "requorum runs resume" in back.hint
    on = site.requorum(*RESUME)
    assert on.code == 0, on.stderr
    assert on.result["outcome"] == "replaced"
    assert site.verdict().clean, site.verdict()
