"""Another procedure on a copy of the same crash, judged by the same records."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from requorum.errors import RequorumError
from requorum.lab.damage.sparse import copy_tree_sparse
from requorum.lab.layout import Lab, write_lab
from requorum.lab.practice import OUR_COMMAND, Connect, crash
from requorum.lab.trials.judged import judge_through
from requorum.lab.trials.record import RivalRecord

Rival = Callable[[Lab, Connect], Awaitable[str]]
"""Makes the cluster serve again somehow; returns the member whose data it took.

Its client URL is then the one to ask. RequorumError where nothing serves in the end.
"""


async def try_rival(
    procedure: str, rival: Rival, lab: Lab, crashed: Path, *, connect: Connect
) -> RivalRecord:
    """Run it on copies of the directories in `crashed`, on the ports of `lab`, which is down."""
    began = time.monotonic()
    copy = lab.model_copy(update={"directory": lab.directory.parent / procedure})
    write_lab(copy, OUR_COMMAND)
    await asyncio.to_thread(_copy, crashed, copy)
    chosen, verdict, message = None, None, None
    try:
        chosen = await rival(copy, connect)
        verdict = await judge_through(lab, chosen, connect, ())
    except RequorumError as error:
        message = f"{type(error).__name__}: {error}"
    finally:
        crash(copy.directory)
    return RivalRecord(
        procedure=procedure,
        chosen=chosen,
        verdict=verdict,
        message=message,
        seconds=round(time.monotonic() - began, 3),
    )


def _copy(crashed: Path, copy: Lab) -> None:
    for name in copy.names:
        if (crashed / name).is_dir():
            copy_tree_sparse(crashed / name, copy.data_dir(name))
