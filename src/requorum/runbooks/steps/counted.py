"""Bytes of long work, added up for whoever watches."""

from requorum.workflow.observer import Progress


class Counted:
    """Tells the watcher how much of `total` bytes is done, None where nobody knows."""

    def __init__(self, watcher: Progress, text: str, total: int | None) -> None:
        self._watcher = watcher
        self._text = text
        self._total = total
        self._done = 0

    def add(self, count: int) -> None:
        """Take note of that many more bytes."""
        self._done += count
        self._watcher.progress(self._text, self._done, self._total)
