"""What events add up to, and what may be done next."""

from datetime import UTC, datetime

import pytest

from requorum.errors import DamagedInput, Refused
from requorum.workflow import events
from requorum.workflow.events import Event
from requorum.workflow.plan import PlanOutline
from requorum.workflow.run_state import RunState, refuse, run_state
from requorum.workflow.step import StepOutline

RUN = "20260102-030405-aaaa"
PLANNED = (events.Planned(plan_digest="d"),)
APPROVED = (*PLANNED, events.Approved(by="her", plan_digest="d"))
STARTED = (*APPROVED, events.Started())
HALF = (
    *STARTED,
    events.StepBegun(step=0),
    events.StepDone(step=0, note={}),
    events.StepBegun(step=1),
)
FAILED = (*HALF, events.StepFailed(step=1, error="no"))
STOPPED = (*HALF, events.Interrupted(reason="SIGTERM"))
ALL_DONE = (*HALF, events.StepDone(step=1, note={}))
FINISHED = (*ALL_DONE, events.Finished(outcome="done"))
GOING_BACK = (*FAILED, events.RollbackStarted(), events.StepUndoBegun(step=1))
STUCK = (*GOING_BACK, events.StepUndoFailed(step=1, error="no way"))
BACK_STOPPED = (*GOING_BACK, events.Interrupted(reason="SIGINT"))
BACK = (
    *GOING_BACK,
    events.StepUndone(step=1, note={}),
    events.StepUndoBegun(step=0),
    events.StepUndone(step=0, note={}),
    events.RolledBack(),
)


def state(
    history: tuple[Event, ...], *, held_by: str | None = None, no_return: int | None = None
) -> RunState:
    """Return the state of a run of two steps; `no_return` is one behind which there is no way."""
    steps = tuple(
        StepOutline(
            kind="k", host="h", title=f"do {n}", reason="", point_of_no_return=n == no_return
        )
        for n in range(2)
    )
    outline = PlanOutline(
        run_id=RUN,
        runbook="toy",
        created=datetime(2026, 1, 2, tzinfo=UTC),
        subject="prod",
        fingerprint="f",
        steps=steps,
    )
    return run_state(outline, history, held_by=held_by)


@pytest.mark.parametrize("history", [HALF, FAILED, STOPPED])
def test_behind_a_point_of_no_return(history: tuple[Event, ...]) -> None:
    """Once the step was begun there is no way back, and the denial names it; before, there is."""
    denial = state(history, no_return=1).rollback_denial
    assert denial is not None
    assert "has begun to do 1" in denial.message
    assert "runs resume" in denial.hint
    assert state(history, no_return=1).can_resume
    assert state(STARTED, no_return=1).can_rollback


def test_a_rollback_that_began_before_is_completed() -> None:
    """A step that was undone already bars nobody."""
    assert state(GOING_BACK, no_return=1).can_rollback


@pytest.mark.parametrize(
    ("history", "status", "steps", "resume", "rollback"),
    [
        (PLANNED, "planned", ("waiting", "waiting"), False, False),
        (APPROVED, "approved", ("waiting", "waiting"), True, False),
        (STARTED, "interrupted", ("waiting", "waiting"), True, True),
        (HALF, "interrupted", ("done", "begun"), True, True),
        (FAILED, "failed", ("done", "failed"), True, True),
        (STOPPED, "interrupted", ("done", "begun"), True, True),
        ((*FAILED, events.Resumed()), "interrupted", ("done", "failed"), True, True),
        (ALL_DONE, "interrupted", ("done", "done"), True, False),
        (FINISHED, "finished", ("done", "done"), False, False),
        (GOING_BACK, "rolling-back", ("done", "undo-begun"), False, True),
        (BACK_STOPPED, "rolling-back", ("done", "undo-begun"), False, True),
        (STUCK, "rolling-back", ("done", "undo-failed"), False, True),
        (BACK, "rolled-back", ("undone", "undone"), False, False),
    ],
)
def test_where_a_run_stands(
    history: tuple[Event, ...],
    status: str,
    steps: tuple[str, ...],
    resume: bool,  # noqa: FBT001 - a column of the table
    rollback: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Each history has one status, and says what may come next."""
    found = state(history)
    assert (found.status, found.steps) == (status, steps)
    assert (found.can_resume, found.can_rollback) == (resume, rollback)


@pytest.mark.parametrize("history", [STARTED, HALF, (*FAILED, events.Resumed())])
def test_a_run_whose_lock_is_held_is_running(history: tuple[Event, ...]) -> None:
    """Only a free lock says that its process was killed."""
    found = state(history, held_by="process 7")
    assert found.status == "running"
    assert not found.can_resume
    assert not found.can_rollback
    assert found.resume_denial is not None
    assert "process 7" in found.resume_denial.message


def test_a_finished_run_is_refused_with_a_hint() -> None:
    """The last step is the point of no return, also when only the closing line is missing."""
    with pytest.raises(Refused, match="has done its last step") as caught:
        refuse(state(FINISHED).rollback_denial)
    assert (
        caught.value.hint
        == "What it set aside is still there: `requorum runs show` names each place."
    )
    denial = state(ALL_DONE).rollback_denial
    assert denial is not None
    assert denial.hint == f"Close it with `requorum runs resume {RUN}`."


def test_a_run_on_its_way_back_only_goes_back() -> None:
    """The hint names the command that completes it."""
    denial = state(GOING_BACK).resume_denial
    assert denial is not None
    assert f"requorum runs rollback {RUN}" in denial.hint


def test_the_last_error_is_kept_until_the_run_goes_on() -> None:
    """What failed is shown as long as it is news."""
    assert state(FAILED).last_error == "no"
    assert state((*FAILED, events.Resumed())).last_error is None
    assert state(STUCK).last_error == "no way"
    assert state((*STUCK, events.RollbackStarted())).last_error is None


def test_who_approved() -> None:
    """The name is part of the state."""
    assert state(HALF).approved_by == "her"
    assert state(PLANNED).approved_by is None


def test_touched_means_that_a_step_was_begun() -> None:
    """Before that, nothing can have changed because of us."""
    assert not state(STARTED).was_touched
    assert state((*STARTED, events.StepBegun(step=0))).was_touched
    assert state(BACK).was_touched


@pytest.mark.parametrize("step", [-1, 2])
def test_a_step_that_the_plan_does_not_have(step: int) -> None:
    """A journal that does not fit its plan is damaged."""
    with pytest.raises(DamagedInput, match=f"names step {step}, the plan has 2"):
        state((*STARTED, events.StepBegun(step=step)))
