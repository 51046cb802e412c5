"""What a long command is at, while somebody looks."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from requorum.cli.output import console


@contextmanager
def shown_stages() -> Iterator[Callable[[str], None]]:
    """Yield what is told the stages; they are shown on stderr while somebody looks."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with console().status("") as status:
        yield status.update
