"""How far long work is: a bar while somebody looks, else a line now and then."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)

from requorum.domain.units import binary_size

_LINES_PER_WORK = 4
_LINE_EVERY_BYTES = 256 << 20


class ByteProgress:
    """Shows bytes done, of a total that may be unknown, for several pieces of work at once."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._said: dict[str, int] = {}

    def show(self, text: str, done: int, total: int | None) -> None:
        """Take the news."""
        if self._out.is_terminal:
            self._move_bar(text, done, total)
        else:
            self._say(text, done, total)

    def close(self) -> None:
        """Take the bars away: whatever they were for has ended."""
        if self._bars is not None:
            self._bars.stop()
        self._bars = None
        self._tasks.clear()
        self._said.clear()

    def _move_bar(self, text: str, done: int, total: int | None) -> None:
        if self._bars is None:
            self._bars = Progress(
                TextColumn("      {task.description}"),
                BarColumn(),
                DownloadColumn(binary_units=True),
                TransferSpeedColumn(),
                console=self._out,
                transient=True,
            )
            self._bars.start()
        if text not in self._tasks:
            self._tasks[text] = self._bars.add_task(text, total=total)
        self._bars.update(self._tasks[text], completed=done)

    def _say(self, text: str, done: int, total: int | None) -> None:
        step = _LINE_EVERY_BYTES if total is None else max(total // _LINES_PER_WORK, 1)
        reached = done // step
        if reached <= self._said.get(text, 0):
            return
        self._said[text] = reached
        of = "" if total is None else f" of {binary_size(total)}"
        self._out.print(f"      {text}: {binary_size(done)}{of}", style="dim", markup=False)
