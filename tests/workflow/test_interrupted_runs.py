"""Every moment of a run and of its rollback is survived, by going on and by going back."""

from collections.abc import Awaitable
from pathlib import Path
from random import Random

import pytest
from toy_world import (
    GOAL,
    START,
    STEPS,
    Killed,
    Mortal,
    ToyWorld,
    approved,
    dying,
    facts_of,
    new_world,
    toy_plan,
)

from requorum.workflow.observer import SilentObserver
from requorum.workflow.run_state import RunState, StepStatus
from requorum.workflow.runner import execute, rollback
from requorum.workflow.runs import ListedRun, read_run

pytestmark = pytest.mark.slow

LONG_ENOUGH = 1000


async def run_until(mortal: Mortal, run_dir: Path, root: Path, *, back: bool = False) -> bool:
    """Execute, or roll back, in a world where `mortal` rules; return whether the end was reached.

    Everything is read from the disk anew, as another process would.
    """
    world = ToyWorld(root, mortal)
    with dying(run_dir, mortal) as journal:
        plan = journal.load_plan(STEPS)
        if back:
            return await survives(rollback(plan, journal, world, SilentObserver()))
        running = execute(plan, journal, world, SilentObserver(), confirm=facts_of)
        return await survives(running)


async def survives(running: Awaitable[None]) -> bool:
    """Return whether it came to its end; False when it was killed."""
    try:
        await running
    except* Killed:
        survived = False
    else:
        survived = True
    return survived


def start(tmp_path: Path, *, group: bool = True) -> tuple[Path, Path]:
    """Return the directories of a world at its start and of an approved run."""
    new_world(tmp_path / "world")
    return tmp_path / "world", approved(tmp_path / "runs", toy_plan(group=group))


async def count_moments(tmp_path: Path, *, group: bool) -> int:
    """Return how many moments a run has that nobody kills."""
    root, run_dir = start(tmp_path / "counting", group=group)
    mortal = Mortal(LONG_ENOUGH)
    assert await run_until(mortal, run_dir, root)
    return mortal.moments


def state_of(run_dir: Path) -> RunState:
    """Return the run's state as `requorum runs list` sees it."""
    run = read_run(run_dir)
    assert isinstance(run, ListedRun)
    return run.state


@pytest.mark.parametrize("group", [False, True], ids=["one by one", "with a group"])
async def test_going_on_after_a_kill_at_each_moment(tmp_path: Path, group: bool) -> None:  # noqa: FBT001 - a parameter
    """Whatever the moment of the kill, going on reaches the goal and says so."""
    moments = await count_moments(tmp_path, group=group)
    seen = set()
    for moment in range(1, moments + 1):
        root, run_dir = start(tmp_path / str(moment), group=group)
        assert not await run_until(Mortal(moment), run_dir, root)
        seen.add((state_of(run_dir).steps, tuple(ToyWorld(root).contents().items())))
        assert await going_on(run_dir, root)
        assert ToyWorld(root).contents() == GOAL
        assert state_of(run_dir).status == "finished"
    assert_each_kind_of_moment(seen, group=group)


async def going_on(run_dir: Path, root: Path) -> bool:
    """Resume, unless the kill came after the very last line."""
    return state_of(run_dir).status == "finished" or await run_until(Mortal(), run_dir, root)


def assert_each_kind_of_moment(
    seen: set[tuple[tuple[StepStatus, ...], tuple[tuple[str, str], ...]]], *, group: bool
) -> None:
    """Check the test itself: it stopped before, at the begin, amid, and after every step."""
    names = ("data", "left", "middle", "right", "flag")
    for index, name in enumerate(names, start=1):
        half, whole = GOAL[name][: len(GOAL[name]) // 2], GOAL[name]
        found = {(steps[index], dict(files).get(name)) for steps, files in seen}
        absent = {None} if name != "data" else {None, "old"}
        assert {status for status, text in found if text in absent} >= {"waiting", "begun"}
        assert ("begun", half) in found
        assert ("begun", whole) in found
        assert ("done", whole) in found
    assert any(steps.count("begun") > 1 for steps, _ in seen) is group


@pytest.mark.parametrize("group", [False, True], ids=["one by one", "with a group"])
async def test_going_back_after_a_kill_at_each_moment(tmp_path: Path, group: bool) -> None:  # noqa: FBT001 - a parameter
    """Whatever the moment of the kill, until the last step is done, going back restores all."""
    moments = await count_moments(tmp_path, group=group)
    went_back = 0
    for moment in range(1, moments + 1):
        root, run_dir = start(tmp_path / str(moment), group=group)
        assert not await run_until(Mortal(moment), run_dir, root)
        state = state_of(run_dir)
        if not state.can_rollback:
            assert state.status == "approved" or set(state.steps) == {"done"}
            continue
        assert await run_until(Mortal(), run_dir, root, back=True)
        assert ToyWorld(root).contents() == START
        assert state_of(run_dir).status == "rolled-back"
        went_back += 1
    assert went_back > moments * 0.8


@pytest.mark.parametrize("seed", range(60))
async def test_going_back_after_kills_of_the_rollback_too(tmp_path: Path, seed: int) -> None:
    """A rollback that is killed twice is completed by the third."""
    random = Random(seed)
    root, run_dir = start(tmp_path, group=bool(seed % 2))
    assert not await run_until(Mortal(random.randint(5, 50)), run_dir, root)
    for _ in range(2):
        await run_until_killed_or_back(Mortal(random.randint(2, 25)), run_dir, root)
    if state_of(run_dir).status != "rolled-back":
        assert state_of(run_dir).can_rollback
        assert await run_until(Mortal(), run_dir, root, back=True)
    assert ToyWorld(root).contents() == START
    assert state_of(run_dir).status == "rolled-back"


async def run_until_killed_or_back(mortal: Mortal, run_dir: Path, root: Path) -> None:
    """Roll back for a while, unless that is over."""
    if state_of(run_dir).status != "rolled-back":
        await run_until(mortal, run_dir, root, back=True)


async def test_each_moment_of_a_rollback_twice(tmp_path: Path) -> None:
    """A full run, stopped in its last step, goes back across two kills at each same moment."""
    moment = 1
    reached_the_end = False
    while not reached_the_end:
        root, run_dir = start(tmp_path / str(moment), group=False)
        assert not await run_until(Mortal(60), run_dir, root)
        assert state_of(run_dir).steps[-1] == "begun"
        reached_the_end = await run_until(Mortal(moment), run_dir, root, back=True)
        await run_until_killed_or_back(Mortal(moment), run_dir, root)
        if state_of(run_dir).status != "rolled-back":
            assert await run_until(Mortal(), run_dir, root, back=True)
        assert ToyWorld(root).contents() == START
        moment += 1
    assert moment > 40
