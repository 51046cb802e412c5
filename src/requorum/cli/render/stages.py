"""What a long command is at, while somebody looks."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from requorum.cli.interruption import before_leaving_here
from requorum.cli.output import console
from requorum.cli.render.aligned_text import plain

_LINE_TAKEN_AWAY = b"\r\x1b[2K\x1b[?25h"


@contextmanager
def shown_stages() -> Iterator[Callable[[str], None]]:
    """Yield what is told the stages; they are shown on stderr while somebody looks."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.text import Text  # noqa: PLC0415  # only a terminal pays for it

    with before_leaving_here(take_line_away), console().status("") as status:
        yield lambda stage: status.update(Text(plain(stage)))


def take_line_away() -> None:
    """Leave the terminal as rich found it: no line of ours, and the cursor; in a signal handler."""
    os.write(2, _LINE_TAKEN_AWAY)
