"""A fresh backup once the cluster serves: the old ones belong to another cluster."""

import asyncio
from collections.abc import Mapping
from posixpath import dirname
from typing import Literal

from pydantic import JsonValue

from requorum.domain.units import binary_size
from requorum.errors import EtcdError, StepFailed
from requorum.facts.live import AUTH_REFUSALS
from requorum.inspection.file_verdict import FileVerdict, Verdict, judge_file
from requorum.ports.host import Host
from requorum.runbooks.steps.counted import Counted
from requorum.runbooks.steps.world import World
from requorum.workflow.step import Step

SNAPSHOT_DEADLINE = 3600.0


class TakeBackup(Step[World]):
    """Save a snapshot of a member on the machine that we run on, and read it back."""

    kind: Literal["take-backup"] = "take-backup"
    member: str
    path: str

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Save it, judge every page and record of it, and only then give it its name."""
        here = world.here
        if await here.stat(self.path) is None:
            if await here.stat(self._part) is None and (refusal := await self._save(world)):
                return {"backup": f"not taken, for want of a user who may: {refusal}"}
            _refuse_damaged(await _judged(here, self._part), self._part)
            await here.rename(self._part, self.path)
        verdict = await _judged(here, self.path)
        _refuse_damaged(verdict, self.path)
        return {
            "backup": self.path,
            "revision": verdict.revision,
            "size": binary_size(verdict.size),
        }

    @property
    def _part(self) -> str:
        """Return the name of what was not judged yet, as etcdctl has it."""
        return f"{self.path}.part"

    async def _save(self, world: World) -> str | None:
        """Return why etcd does not let us, None once it is saved."""
        etcd = world.reach.etcd(world.spec(self.member))
        try:
            await world.here.make_dirs(dirname(self.path))
            counted = Counted(world.watcher, "saved", None)
            snapshot = etcd.snapshot(deadline=SNAPSHOT_DEADLINE)
            await world.here.save_stream(self._part, snapshot, on_bytes=counted.add)
        except EtcdError as error:
            if any(words in error.message for words in AUTH_REFUSALS):
                return error.message
            raise
        finally:
            await etcd.close()
        return None

    async def undo(self, world: World) -> Mapping[str, JsonValue]:
        """Leave it: it is a good file, of a cluster that was."""
        left = await world.here.stat(self.path) is not None
        return {"left": self.path} if left else {}


def _refuse_damaged(verdict: FileVerdict, path: str) -> None:
    if verdict.verdict is not Verdict.RESTORABLE:
        raise StepFailed(
            f"the backup {path} is not restorable: {'; '.join(verdict.reasons)}",
            hint="Move that file away, then `requorum runs resume` takes another one.",
        )


async def _judged(host: Host, path: str) -> FileVerdict:
    async with host.open(path) as source:
        return await asyncio.to_thread(judge_file, source)
