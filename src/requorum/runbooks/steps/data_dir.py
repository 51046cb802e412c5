"""An empty data directory for a member that starts from nothing."""

from collections.abc import Mapping
from posixpath import join
from typing import Literal

from pydantic import JsonValue

from requorum.facts.host_files import owner_of
from requorum.runbooks.steps.owner import give, ids_of
from requorum.runbooks.steps.world import World
from requorum.workflow.step import Step

MODE = 0o700


class MakeDataDir(Step[World]):
    """Make the directories that a member's etcd may not make itself where it is not root.

    The owner is that of the data that was set aside, else that of `like`, a member that serves.
    """

    kind: Literal["make-data-dir"] = "make-data-dir"
    member: str
    like: str
    paths: tuple[str, ...]
    aside: str
    root: str

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Make those that are not there; what is there is left as it is."""
        host = world.host(self.member)
        missing = [path for path in self.paths if await host.stat(path) is None]
        if not missing:
            return {"data": "its directory is there"}
        if await host.stat(self.aside) is not None:
            names = await owner_of(host, self.aside)
        else:
            names = await owner_of(world.host(self.like), world.spec(self.like).data_dir)
        uid, gid = await ids_of(host, *names)
        for path in missing:
            await host.make_dirs(path, mode=MODE)
            await give(host, path, uid, gid)
        return {"owner": ":".join(names)}

    async def undo(self, world: World) -> Mapping[str, JsonValue]:
        """Rename what was made, and what etcd wrote into it, out of the way."""
        host = world.host(self.member)
        kept: dict[str, JsonValue] = {}
        for number, path in enumerate(self.paths):
            target = join(self.root, f"made-{number}")
            if await host.stat(path) is None or await host.stat(target) is not None:
                continue
            await host.make_dirs(self.root)
            await host.rename(path, target)
            kept[path] = target
        return kept
