"""The runner: order, groups, failures, drifted facts, cancellation."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from pydantic import JsonValue
from toy_world import (
    GOAL,
    NOW,
    START,
    ToyWorld,
    Watcher,
    approved,
    facts_of,
    new_world,
    redact,
    toy_plan,
)

from requorum.errors import FactsChanged, Refused, RequorumError, StepFailed, Unreachable
from requorum.workflow import events
from requorum.workflow.journal import Journal
from requorum.workflow.observer import SilentObserver
from requorum.workflow.plan import Plan, fingerprint_of
from requorum.workflow.runner import execute, rollback
from requorum.workflow.step import Step


@dataclass
class Toy:
    """A world, an approved plan for it, and who watches."""

    world: ToyWorld
    plan: Plan[ToyWorld]
    run_dir: Path
    watcher: Watcher = field(default_factory=Watcher)

    async def execute(self) -> None:
        """Run the plan, or go on with it."""
        with Journal.open(self.run_dir, redact=redact) as journal:
            await execute(self.plan, journal, self.world, self.watcher, confirm=facts_of)

    async def rollback(self) -> None:
        """Take the run back."""
        with Journal.open(self.run_dir, redact=redact) as journal:
            await rollback(self.plan, journal, self.world, self.watcher)

    def history(self) -> list[str]:
        """Return the types of the recorded events."""
        with Journal.open(self.run_dir, redact=redact) as journal:
            return [record.event.type for record in journal.records]

    def status(self) -> str:
        """Return the run's status."""
        with Journal.open(self.run_dir, redact=redact) as journal:
            return journal.state().status


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    """Return a run of six steps that follow each other."""
    plan = toy_plan(group=False)
    return Toy(new_world(tmp_path / "world"), plan, approved(tmp_path / "runs", plan))


async def test_a_run_reaches_its_goal_step_by_step(toy: Toy) -> None:
    """Each step is begun, then done, in order; the observer sees what the journal says."""
    await toy.execute()
    assert toy.world.contents() == GOAL
    steps = ["step-begun", "step-done"] * 6
    assert toy.history() == ["planned", "approved", "started", *steps, "finished"]
    assert toy.watcher.seen[:2] == [
        "begun 0 set-aside",
        "done 0 set-aside {'aside': 'data.before'}",
    ]
    assert toy.watcher.seen[3] == "done 1 write-file {'size': 8, 'said': ['password=***']}"


async def test_a_plan_that_nobody_approved_does_not_run(tmp_path: Path) -> None:
    """Not one step."""
    world = new_world(tmp_path / "world")
    with Journal.create(tmp_path / "runs", toy_plan(), redact=redact) as journal:
        with pytest.raises(Refused, match="was never approved"):
            await execute(toy_plan(), journal, world, SilentObserver(), confirm=facts_of)
        with pytest.raises(Refused, match="was never started"):
            await rollback(toy_plan(), journal, world, SilentObserver())
    assert world.acted == []


async def test_drifted_facts_are_refused(toy: Toy) -> None:
    """When the world moved since the plan was made, nothing happens, now or on resume."""
    (toy.world.root / "data").write_text("moved")
    for _ in range(2):
        with pytest.raises(FactsChanged, match="have changed since it was made"):
            await toy.execute()
    assert toy.world.acted == []
    assert toy.history() == ["planned", "approved"]


async def test_facts_are_confirmed_until_the_first_step_begins(toy: Toy) -> None:
    """A run that was killed before it changed anything must not start on other facts later."""
    with Journal.open(toy.run_dir, redact=redact) as journal:
        journal.append(events.Started())
    (toy.world.root / "data").write_text("moved")
    with pytest.raises(FactsChanged):
        await toy.execute()
    assert toy.world.acted == []


async def test_facts_that_we_changed_are_not_held_against_the_run(toy: Toy) -> None:
    """After the first step the world differs because of us; going on is right."""
    toy.world.broken.add("write left")
    with pytest.raises(StepFailed):
        await toy.execute()
    assert await facts_of(toy.world) != toy.plan.fingerprint
    toy.world.broken.clear()
    await toy.execute()
    assert toy.world.contents() == GOAL
    assert toy.world.acted.count("rename data") == 1


async def test_another_plan_than_the_approved_does_not_run(toy: Toy) -> None:
    """Same run id, other words: refused before anything happens."""
    toy.plan = toy.plan.model_copy(update={"warnings": ("was not shown",)})
    with pytest.raises(Refused, match="not the plan"):
        await toy.execute()
    assert toy.world.acted == []


async def test_another_runs_plan_is_a_programming_error(toy: Toy) -> None:
    """The journal of one run never records another."""
    toy.plan = toy_plan(run_id="20200101-000000-aaaa")
    with pytest.raises(ValueError, match="with journal"):
        await toy.execute()


async def test_a_failed_step_stops_the_run(toy: Toy) -> None:
    """It is journaled, shown, raised with both ways on, and holds no secret."""
    toy.world.broken.add("write left")
    with pytest.raises(StepFailed) as caught:
        await toy.execute()
    assert caught.value.message.startswith("write left: OSError: ")
    assert "password=***" in caught.value.message
    run_id = toy.plan.run_id
    assert caught.value.hint == (
        f"Mend the cause; then `requorum runs resume {run_id}` goes on, "
        f"`requorum runs rollback {run_id}` goes back."
    )
    assert toy.history()[-2:] == ["step-begun", "step-failed"]
    assert toy.watcher.seen[-1].startswith("failed 2 write-file OSError")
    assert toy.status() == "failed"
    await toy.rollback()
    assert toy.world.contents() == START


async def test_a_failed_undo_stops_the_rollback_until_it_can_go_on(toy: Toy) -> None:
    """The hint names the command that goes on, and that then takes back only what is left."""
    toy.world.broken |= {"write right", "remove data"}
    with pytest.raises(StepFailed):
        await toy.execute()
    with pytest.raises(StepFailed, match="taking back write data: OSError") as caught:
        await toy.rollback()
    assert f"`requorum runs rollback {toy.plan.run_id}`" in str(caught.value.hint)
    assert toy.history()[-1] == "step-undo-failed"
    with pytest.raises(Refused, match="on its way back"):
        await toy.execute()
    toy.world.broken.clear()
    toy.world.acted.clear()
    await toy.rollback()
    assert toy.world.contents() == START
    assert toy.world.acted == ["remove data", "rename data.before"]
    with pytest.raises(Refused, match="rolled back already"):
        await toy.rollback()


async def test_a_finished_run_neither_goes_on_nor_back(toy: Toy) -> None:
    """Both are refused; nothing is touched."""
    await toy.execute()
    with pytest.raises(Refused, match="is finished"):
        await toy.execute()
    with pytest.raises(Refused, match="has done its last step"):
        await toy.rollback()
    assert toy.world.contents() == GOAL


@dataclass
class Stage:
    """A world where steps wait for each other."""

    events: dict[str, asyncio.Event] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def event(self, name: str) -> asyncio.Event:
        """Return the event of that name."""
        return self.events.setdefault(name, asyncio.Event())


class Actor(Step[Stage]):
    """Says that it is on, waits for another, and does one of several things."""

    kind: Literal["actor"] = "actor"
    name: str
    waits_for: str | None = None
    then: Literal["done", "fail", "unreachable", "leak", "bad note"] = "done"

    async def apply(self, world: Stage) -> Mapping[str, JsonValue]:
        """Play the part."""
        world.log.append(f"{self.name} on")
        world.event(f"{self.name} on").set()
        if self.waits_for:
            await world.event(self.waits_for).wait()
        self._end(world)
        world.log.append(f"{self.name} off")
        world.event(f"{self.name} off").set()
        return {"bad": b"bytes"} if self.then == "bad note" else {}  # type: ignore[dict-item] # meant

    async def undo(self, world: Stage) -> Mapping[str, JsonValue]:
        """Leave again."""
        world.log.append(f"{self.name} undone")
        return {}

    def _end(self, world: Stage) -> None:
        world.event(f"{self.name} ends").set()
        match self.then:
            case "fail":
                raise StepFailed(f"{self.name} fell")
            case "unreachable":
                raise Unreachable("h1 does not answer", hint="Look at h1.")
            case "leak":
                raise asyncio.CancelledError


def actor(name: str, **rest: object) -> Actor:
    """Return an actor of the group."""
    fields = {"name": name, "host": "-", "title": name, "reason": "-", "together": "g", **rest}
    return Actor.model_validate(fields)


@dataclass
class Play:
    """A run of actors."""

    plan: Plan[Stage]
    run_dir: Path
    stage: Stage = field(default_factory=Stage)

    async def execute(self) -> None:
        """Run it, or go on."""
        with Journal.open(self.run_dir, redact=redact) as journal:
            watcher = SilentObserver()
            await execute(self.plan, journal, self.stage, watcher, confirm=nothing_known)

    async def rollback(self) -> None:
        """Take it back."""
        with Journal.open(self.run_dir, redact=redact) as journal:
            await rollback(self.plan, journal, self.stage, SilentObserver())

    def steps(self) -> tuple[str, ...]:
        """Return the statuses of the steps."""
        with Journal.open(self.run_dir, redact=redact) as journal:
            return journal.state().steps

    def last(self) -> events.Event:
        """Return the last event."""
        with Journal.open(self.run_dir, redact=redact) as journal:
            return journal.records[-1].event


async def nothing_known(_: Stage) -> str:
    """Return the fingerprint of a play."""
    return fingerprint_of(None)


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., Play]:
    """Return a function: actors → their approved run."""

    def of(*actors: Actor) -> Play:
        plan = Plan[Stage](
            run_id=toy_plan().run_id,
            runbook="play",
            created=NOW,
            subject="prod",
            fingerprint=fingerprint_of(None),
            steps=actors,
        )
        with Journal.create(tmp_path, plan, redact=redact) as journal:
            journal.approve(by="the test")
        return Play(plan, tmp_path / plan.run_id)

    return of


async def test_a_group_runs_at_the_same_time(play: Callable[..., Play]) -> None:
    """Two that wait for each other both end; the next begins after them, and undo is reversed."""
    run = play(
        actor("a", waits_for="b on"),
        actor("b", waits_for="a on"),
        actor("c", together=None, then="fail"),
    )
    with pytest.raises(StepFailed):
        await asyncio.wait_for(run.execute(), 10)
    assert set(run.stage.log[:2]) == {"a on", "b on"}
    assert set(run.stage.log[2:4]) == {"a off", "b off"}
    assert run.stage.log[4:] == ["c on"]
    await run.rollback()
    assert run.stage.log[5] == "c undone"
    assert set(run.stage.log[6:]) == {"a undone", "b undone"}


async def test_a_failure_lets_the_others_of_the_group_end(play: Callable[..., Play]) -> None:
    """All are awaited and journaled, the first failure is raised, the next stage is not begun."""
    run = play(
        actor("a", waits_for="c ends", then="fail"),
        actor("b", waits_for="a ends"),
        actor("c", then="fail"),
        actor("d", together=None),
    )
    with pytest.raises(StepFailed, match="c: c fell"):
        await asyncio.wait_for(run.execute(), 10)
    assert run.steps() == ("failed", "done", "failed", "waiting")
    run.stage.log.clear()
    with pytest.raises(StepFailed):
        await asyncio.wait_for(run.execute(), 10)
    assert set(run.stage.log) == {"a on", "c on"}


async def test_a_cancelled_group_is_journaled(play: Callable[..., Play]) -> None:
    """A cancellation stops all of the group at once, is written down with its reason, goes on."""
    run = play(actor("a"), actor("b", waits_for="never"), actor("c", waits_for="never"))
    running = asyncio.create_task(run.execute())
    await asyncio.wait_for(run.stage.event("c on").wait(), 10)
    running.cancel("SIGTERM")
    with pytest.raises(asyncio.CancelledError):
        await running
    assert run.last() == events.Interrupted(reason="SIGTERM")
    assert run.steps() == ("done", "begun", "begun")
    run.stage.event("never").set()
    await run.execute()
    assert run.steps() == ("done", "done", "done")
    assert run.stage.log.count("a on") == 1


async def test_a_leaked_cancellation_is_a_failure(play: Callable[..., Play]) -> None:
    """When nobody cancelled the run, a step that ends in CancelledError has not succeeded."""
    run = play(actor("a", then="leak"), actor("b", together=None))
    with pytest.raises(StepFailed, match="something that it waited for was cancelled"):
        await run.execute()
    assert run.steps() == ("failed", "waiting")


async def test_a_note_that_is_no_json_fails_its_step(play: Callable[..., Play]) -> None:
    """The mistake is found in the step that made it, and the record stays readable."""
    run = play(actor("a", then="bad note"))
    with pytest.raises(StepFailed, match="a: ValidationError"):
        await run.execute()
    assert run.steps() == ("failed",)


async def test_the_hint_of_the_cause_comes_first(play: Callable[..., Play]) -> None:
    """What the step's own error advises is kept, and its class is the cause."""
    run = play(actor("a", then="unreachable"))
    with pytest.raises(StepFailed, match=r"^a: h1 does not answer$") as caught:
        await run.execute()
    assert str(caught.value.hint).startswith("Look at h1. Then `requorum runs resume ")
    assert isinstance(caught.value.__cause__, Unreachable)


async def test_a_journal_that_fails_amid_a_group_stops_the_rest(
    play: Callable[..., Play], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is running ends, nothing else begins, and the journal's error is what is raised."""
    run = play(actor("a", waits_for="b on"), actor("b"), actor("c", together=None))
    written: list[bytes] = []
    write = Journal._write

    def full_after_three(journal: Journal, line: bytes) -> None:
        written.append(line)
        if len(written) > 3:
            raise OSError(28, "No space left on device")
        write(journal, line)

    monkeypatch.setattr(Journal, "_write", full_after_three)
    with pytest.raises(RequorumError, match="no space left on device"):
        await asyncio.wait_for(run.execute(), 10)
    monkeypatch.undo()
    assert sorted(run.stage.log) == ["a off", "a on", "b off", "b on"]
    assert run.steps() == ("begun", "begun", "waiting")
