"""What a journal's events add up to, and what may be done next. Pure.

A run moves one way: planned, approved, running, finished; or, until its last step is done, from
running by way of rolling-back to rolled-back. A step may be a point of no return: no run is taken
back once it was begun. failed and interrupted are places to choose from.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from requorum.errors import DamagedInput, Refused
from requorum.workflow import events
from requorum.workflow.events import Event
from requorum.workflow.plan import PlanOutline

RunStatus: TypeAlias = Literal[
    "planned",
    "approved",
    "running",
    "failed",
    "interrupted",
    "finished",
    "rolling-back",
    "rolled-back",
]
StepStatus: TypeAlias = Literal[
    "waiting", "begun", "done", "failed", "undo-begun", "undo-failed", "undone"
]


@dataclass(frozen=True, slots=True)
class Denial:
    """Why something may not be done with a run, and what to do instead."""

    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a run stands."""

    run_id: str
    status: RunStatus
    steps: tuple[StepStatus, ...]
    approved_by: str | None
    last_error: str | None
    """What the step or undo that failed last said; None once the run went on after it."""
    held_by: str | None
    """Who works on it right now, as "process 4711"."""
    passed: str | None = None
    """The step, begun already, behind which no run is taken back; None before it."""

    @property
    def was_touched(self) -> bool:
        """Return whether a step was ever begun: whether the run may have changed anything."""
        return any(step != "waiting" for step in self.steps)

    @property
    def resume_denial(self) -> Denial | None:
        """Return why the run may not go on; None when it may. An approved run may start."""
        return self._busy_denial() or self._resume_denial_by_status()

    @property
    def rollback_denial(self) -> Denial | None:
        """Return why the run may not go back; None when it may."""
        return self._busy_denial() or self._rollback_denial_by_status()

    @property
    def can_resume(self) -> bool:
        """Return whether the run may go on."""
        return self.resume_denial is None

    @property
    def can_rollback(self) -> bool:
        """Return whether the run may go back."""
        return self.rollback_denial is None

    def _busy_denial(self) -> Denial | None:
        if self.held_by is None:
            return None
        return Denial(
            f"run {self.run_id} is being worked on by {self.held_by}",
            "Wait until it ends, or stop it; then ask again.",
        )

    def _resume_denial_by_status(self) -> Denial | None:
        match self.status:
            case "planned":
                return Denial(
                    f"the plan of run {self.run_id} was never approved",
                    "Nothing was done by it. Plan anew from today's facts, and approve that.",
                )
            case "finished":
                return Denial(f"run {self.run_id} is finished", "Nothing is left to do.")
            case "rolling-back":
                return Denial(
                    f"run {self.run_id} is on its way back",
                    f"Complete that with `requorum runs rollback {self.run_id}`.",
                )
            case "rolled-back":
                return Denial(
                    f"run {self.run_id} was rolled back",
                    "Plan anew from today's facts.",
                )
            case _:
                return None

    def _rollback_denial_by_status(self) -> Denial | None:
        match self.status:
            case "planned" | "approved":
                return Denial(
                    f"run {self.run_id} was never started", "Nothing has to be taken back."
                )
            case "finished":
                return self._too_late(
                    "What it set aside is still there: `requorum runs show` names each place."
                )
            case "rolled-back":
                return Denial(
                    f"run {self.run_id} was rolled back already", "Nothing is left to do."
                )
            case "rolling-back":
                return None
            case _:
                return self._no_way_back()

    def _no_way_back(self) -> Denial | None:
        if all(step == "done" for step in self.steps):
            return self._too_late(f"Close it with `requorum runs resume {self.run_id}`.")
        if self.passed is None:
            return None
        return Denial(
            f"run {self.run_id} cannot be rolled back any more: it has begun to {self.passed}, "
            "and what was written since would be lost",
            f"Go on with `requorum runs resume {self.run_id}`. What it set aside is still there: "
            "`requorum runs show` names each place.",
        )

    def _too_late(self, hint: str) -> Denial:
        """After the last step others may have built on the result."""
        return Denial(
            f"run {self.run_id} has done its last step and cannot be rolled back any more", hint
        )


def refuse(denial: Denial | None) -> None:
    """Raise Refused when there is a denial."""
    if denial is not None:
        raise Refused(denial.message, hint=denial.hint)


def run_state(outline: PlanOutline, history: Iterable[Event], *, held_by: str | None) -> RunState:
    """Return the state after `history`; DamagedInput when it names a step that is not there.

    `held_by` is who holds the run's lock, apart from ourselves. A run that has started and has
    not ended was interrupted when nobody holds it: its process was killed.
    """
    fold = _Fold(["waiting"] * len(outline.steps))
    for event in history:
        fold.take(event)
    return RunState(
        run_id=outline.run_id,
        status="interrupted" if fold.status == "running" and not held_by else fold.status,
        steps=tuple(fold.steps),
        approved_by=fold.approved_by,
        last_error=fold.last_error,
        held_by=held_by,
        passed=_passed(outline, fold.steps),
    )


def _passed(outline: PlanOutline, steps: Sequence[StepStatus]) -> str | None:
    for step, status in zip(outline.steps, steps, strict=True):
        if step.point_of_no_return and status != "waiting":
            return step.title
    return None


def steps_with(state: RunState, indices: Sequence[int], *unwanted: StepStatus) -> tuple[int, ...]:
    """Return those of the indices whose step has none of the unwanted statuses."""
    return tuple(index for index in indices if state.steps[index] not in unwanted)


@dataclass
class _Fold:
    steps: list[StepStatus]
    status: RunStatus = "planned"
    approved_by: str | None = None
    last_error: str | None = field(default=None)

    def take(self, event: Event) -> None:
        match event:
            case events.Approved():
                self.approved_by = event.by
            case events.StepFailed() | events.StepUndoFailed():
                self.last_error = event.error
            case events.Resumed() | events.RollbackStarted():
                self.last_error = None
        self._move_step(event)
        self._move_run(event)

    def _move_step(self, event: Event) -> None:
        match event:
            case events.StepBegun():
                self._set(event.step, "begun")
            case events.StepDone():
                self._set(event.step, "done")
            case events.StepFailed():
                self._set(event.step, "failed")
            case events.StepUndoBegun():
                self._set(event.step, "undo-begun")
            case events.StepUndone():
                self._set(event.step, "undone")
            case events.StepUndoFailed():
                self._set(event.step, "undo-failed")

    def _move_run(self, event: Event) -> None:
        match event:
            case events.Approved():
                self.status = "approved"
            case events.Started() | events.Resumed():
                self.status = "running"
            case events.StepFailed():
                self.status = "failed"
            case events.Interrupted() if self.status != "rolling-back":
                self.status = "interrupted"
            case events.RollbackStarted():
                self.status = "rolling-back"
            case events.Finished():
                self.status = "finished"
            case events.RolledBack():
                self.status = "rolled-back"

    def _set(self, step: int, status: StepStatus) -> None:
        if not 0 <= step < len(self.steps):
            raise DamagedInput(f"the journal names step {step}, the plan has {len(self.steps)}")
        self.steps[step] = status
