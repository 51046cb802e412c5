"""Runs a plan, and takes it back, such that a kill at any instant leaves a record to go on from.

For each step: journal that it begins, act, journal that it is done. A step found begun and not
done may have acted, so going on repeats it and going back undoes it; steps are made for that.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic

from pydantic import JsonValue

from requorum.errors import FactsChanged, RequorumError, StepFailed
from requorum.workflow import events
from requorum.workflow.events import Note
from requorum.workflow.journal import Journal
from requorum.workflow.observer import Observer
from requorum.workflow.plan import Plan, PlanHeader, stages
from requorum.workflow.run_state import refuse, steps_with
from requorum.workflow.step import World

Confirm = Callable[[World], Awaitable[str]]
"""Looks at the world again and returns `fingerprint_of` the facts that the plan rests on."""


async def execute(
    plan: Plan[World],
    journal: Journal,
    world: World,
    observer: Observer,
    *,
    confirm: Confirm[World],
) -> None:
    """Run the approved plan, or go on with it, to its end.

    As long as no step was ever begun, `confirm` must find the facts as they were: FactsChanged
    otherwise. Later the facts are different because of us, and it is not asked.

    Raises Refused when the run's state does not allow it, StepFailed when a step fails (its
    neighbours of the same group are brought to their end first), RequorumError when the journal
    cannot be written; the next action then is not begun. A cancellation is journaled and goes on.
    """
    run = _Run(plan, journal, world, observer)
    state = journal.state()
    refuse(state.resume_denial)
    if not state.was_touched:
        journal.refuse_other(plan)
        _check_fingerprint(plan, await confirm(world))
    journal.append(events.Started() if state.status == "approved" else events.Resumed())
    with _interruption_recorded(journal):
        for stage in stages(plan.steps):
            waiting = steps_with(state, stage, "done")
            await _all_of(run.apply, waiting)
    journal.append(events.Finished(outcome="every step is done"))


async def rollback(plan: Plan[World], journal: Journal, world: World, observer: Observer) -> None:
    """Take back, last first, every step that was ever begun; go on with that after a kill.

    Raises as `execute` does; Refused as well once the last step is done.
    """
    run = _Run(plan, journal, world, observer)
    state = journal.state()
    refuse(state.rollback_denial)
    journal.append(events.RollbackStarted())
    with _interruption_recorded(journal):
        for stage in reversed(stages(plan.steps)):
            touched = steps_with(state, stage, "waiting", "undone")
            await _all_of(run.undo, touched)
    journal.append(events.RolledBack())


@dataclass(frozen=True)
class _Run(Generic[World]):
    plan: Plan[World]
    journal: Journal
    world: World
    observer: Observer

    def __post_init__(self) -> None:
        if self.plan.run_id != self.journal.run_id:
            raise ValueError(f"plan {self.plan.run_id} with journal {self.journal.run_id}")

    async def apply(self, index: int) -> None:
        step = self.plan.steps[index]
        self.journal.append(events.StepBegun(step=index))
        self.observer.step_begun(index, step)
        try:
            note = await self._note_of(step.apply)
        except Exception as error:
            words = self._words(error)
            self.journal.append(events.StepFailed(step=index, error=words))
            self.observer.step_failed(index, step, words)
            raise StepFailed(f"{step.title}: {words}", hint=self._ways_on(error)) from error
        self.journal.append(events.StepDone(step=index, note=note))
        self.observer.step_done(index, step, note)

    async def undo(self, index: int) -> None:
        step = self.plan.steps[index]
        self.journal.append(events.StepUndoBegun(step=index))
        self.observer.undo_begun(index, step)
        try:
            note = await self._note_of(step.undo)
        except Exception as error:
            words = self._words(error)
            self.journal.append(events.StepUndoFailed(step=index, error=words))
            self.observer.undo_failed(index, step, words)
            raise StepFailed(
                f"taking back {step.title}: {words}", hint=self._way_back(error)
            ) from error
        self.journal.append(events.StepUndone(step=index, note=note))
        self.observer.step_undone(index, step, note)

    async def _note_of(self, act: Callable[[World], Awaitable[Mapping[str, JsonValue]]]) -> Note:
        try:
            return events.note_from(await act(self.world), self.journal.clean)
        except asyncio.CancelledError as error:
            if _we_are_cancelled():
                raise
            raise StepFailed("something that it waited for was cancelled") from error

    def _words(self, error: Exception) -> str:
        """Return what an operator reads; a foreign error shows its class, for it is a bug."""
        ours = isinstance(error, RequorumError)
        return self.journal.clean(str(error) if ours else f"{type(error).__name__}: {error}")

    def _ways_on(self, error: Exception) -> str:
        run = self.plan.run_id
        on = f"`requorum runs resume {run}` goes on"
        back = f", `requorum runs rollback {run}` goes back."
        can_go_back = self.journal.state().rollback_denial is None
        return self._after_hint_of(error, on + (back if can_go_back else "."))

    def _way_back(self, error: Exception) -> str:
        return self._after_hint_of(error, f"`requorum runs rollback {self.plan.run_id}` goes on.")

    def _after_hint_of(self, error: Exception, way: str) -> str:
        hint = error.hint if isinstance(error, RequorumError) else None
        return f"{self.journal.clean(hint)} Then {way}" if hint else f"Mend the cause; then {way}"


async def _all_of(act: Callable[[int], Awaitable[None]], indices: Sequence[int]) -> None:
    """Do it for all at the same time and bring each to its end; then raise what failed first."""
    failures: list[Exception] = []

    async def bring_to_its_end(index: int) -> None:
        try:
            await act(index)
        except Exception as error:  # noqa: BLE001 - raised below, once the others have ended
            failures.append(error)

    async with asyncio.TaskGroup() as group:
        for index in indices:
            group.create_task(bring_to_its_end(index))
    if failures:
        raise failures[0]


def _we_are_cancelled() -> bool:
    """Tell a cancellation of our task from one that leaked out of something a step awaited."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@contextmanager
def _interruption_recorded(journal: Journal) -> Iterator[None]:
    try:
        yield
    except asyncio.CancelledError as error:
        journal.append(events.Interrupted(reason=str(error) or "cancelled"))
        raise


def _check_fingerprint(plan: PlanHeader, found: str) -> None:
    if found != plan.fingerprint:
        raise FactsChanged(
            f"the facts that plan {plan.run_id} rests on have changed since it was made",
            hint="Plan anew from today's facts, and approve that.",
        )
