"""The use cases behind `requorum runs list` and `requorum runs show`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from requorum.app.settings import Settings
from requorum.workflow.plan import PlanOutline
from requorum.workflow.run_state import Denial, RunState
from requorum.workflow.runs import DamagedRun, ListedRun, find_run, list_runs, read_run
from requorum.workflow.step import StepOutline


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as it can be shown. `plan` and `state` are None where its files are damaged."""

    id: str
    status: str
    plan: PlanOutline | None
    state: RunState | None

    @property
    def runbook(self) -> str:
        """Return which procedure it carries out."""
        return self.plan.runbook if self.plan else "?"

    @property
    def subject(self) -> str:
        """Return the cluster it is about."""
        return self.plan.subject if self.plan else "?"

    @property
    def last_error(self) -> str | None:
        """Return what the step that failed last said."""
        return self.state.last_error if self.state else None

    @property
    def can_resume(self) -> bool:
        """Return whether it can go on."""
        return self.state is not None and self.state.can_resume

    @property
    def can_rollback(self) -> bool:
        """Return whether it can be taken back."""
        return self.state is not None and self.state.can_rollback

    def denial(self, *, back: bool) -> Denial | None:
        """Return why it cannot go on, or back; None when it can."""
        if self.state is None:
            return None
        return self.state.rollback_denial if back else self.state.resume_denial

    def steps(self) -> Iterator[tuple[StepOutline, str]]:
        """Yield each step with where it stands."""
        if self.plan is not None and self.state is not None:
            yield from zip(self.plan.steps, self.state.steps, strict=True)

    def listed(self) -> dict[str, Any]:
        """Return one row of `runs list -o json`."""
        return {
            "run": self.id,
            "status": self.status,
            "runbook": self.runbook,
            "subject": self.subject,
            "can_resume": self.can_resume,
            "can_rollback": self.can_rollback,
        }

    def detailed(self) -> dict[str, Any]:
        """Return the object of `runs show -o json`."""
        return self.listed() | {
            "last_error": self.last_error,
            "plan": self.plan.model_dump(mode="json") if self.plan else None,
            "steps": [{"title": step.title, "status": status} for step, status in self.steps()],
        }


def list_stored(settings: Settings) -> tuple[StoredRun, ...]:
    """Return all runs, newest first."""
    return tuple(_stored(run) for run in list_runs(settings.runs_dir))


def find_stored(settings: Settings, wanted: str) -> StoredRun:
    """Return one run by its id, the start of it, or `latest`; UsageError when there is none."""
    return _stored(read_run(find_run(settings.runs_dir, wanted)))


def _stored(run: ListedRun | DamagedRun) -> StoredRun:
    if isinstance(run, DamagedRun):
        return StoredRun(run.run_id, f"damaged: {run.damage}", None, None)
    return StoredRun(run.run_id, run.state.status, run.outline, run.state)
