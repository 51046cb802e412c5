"""Who watches a run: told of each change after it is in the journal."""

from typing import Protocol

from requorum.workflow.events import Note
from requorum.workflow.step import StepOutline


class Progress(Protocol):
    """Takes the news of long work. A world may carry one for its steps to report to."""

    def say(self, text: str) -> None:
        """Show one line about the work inside of a step."""
        ...

    def progress(self, text: str, done: int, total: int | None) -> None:
        """Show how far `text` is; `total` is None when nobody knows, units are the caller's."""
        ...


class Observer(Progress, Protocol):
    """Shows a run. `index` counts the plan's steps from 0; notes and errors hold no secrets.

    What an observer raises stops the run as a failure of ours would; it can be resumed.
    """

    def step_begun(self, index: int, step: StepOutline) -> None:
        """Show that a step is about to act."""
        ...

    def step_done(self, index: int, step: StepOutline, note: Note) -> None:
        """Show that a step has reached its end."""
        ...

    def step_failed(self, index: int, step: StepOutline, error: str) -> None:
        """Show that a step gave up."""
        ...

    def undo_begun(self, index: int, step: StepOutline) -> None:
        """Show that a step is about to be taken back."""
        ...

    def step_undone(self, index: int, step: StepOutline, note: Note) -> None:
        """Show that a step is taken back."""
        ...

    def undo_failed(self, index: int, step: StepOutline, error: str) -> None:
        """Show that a step could not be taken back."""
        ...


class SilentObserver:
    """Shows nothing."""

    def say(self, text: str) -> None:
        """Ignore it."""

    def progress(self, text: str, done: int, total: int | None) -> None:
        """Ignore it."""

    def step_begun(self, index: int, step: StepOutline) -> None:
        """Ignore it."""

    def step_done(self, index: int, step: StepOutline, note: Note) -> None:
        """Ignore it."""

    def step_failed(self, index: int, step: StepOutline, error: str) -> None:
        """Ignore it."""

    def undo_begun(self, index: int, step: StepOutline) -> None:
        """Ignore it."""

    def step_undone(self, index: int, step: StepOutline, note: Note) -> None:
        """Ignore it."""

    def undo_failed(self, index: int, step: StepOutline, error: str) -> None:
        """Ignore it."""
