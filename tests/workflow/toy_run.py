"""A process of its own that executes, goes on with, or rolls back a toy run: made to be killed.

    toy_run.py execute|rollback RUN_DIR WORLD_DIR PAUSE_SECONDS

Prints a line once it is about to begin. The pause makes each change last, so that the
moments of a kill spread over the run.
"""

import asyncio
import signal
import sys
from pathlib import Path

from toy_world import STEPS, Mortal, ToyWorld, facts_of, redact

from requorum.workflow.interruption import cancelled_by_signals
from requorum.workflow.journal import Journal
from requorum.workflow.observer import SilentObserver
from requorum.workflow.runner import execute, rollback


class SlowWorld(ToyWorld):
    """A world where each change takes its time."""

    pause: float = 0

    async def _act(self, what: str) -> None:
        await asyncio.sleep(self.pause)
        await super()._act(what)


async def main(direction: str, run_dir: Path, root: Path, pause: float) -> None:
    """Do it, as the command line of requorum would."""
    # A shell without job control starts what it puts in the background with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # nohup ignores SIGHUP, and whoever it starts inherits that.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    world = SlowWorld(root, Mortal())
    world.pause = pause
    with Journal.open(run_dir, redact=redact) as journal, cancelled_by_signals():
        plan = journal.load_plan(STEPS)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        if direction == "rollback":
            await rollback(plan, journal, world, SilentObserver())
        else:
            await execute(plan, journal, world, SilentObserver(), confirm=facts_of)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4])))
