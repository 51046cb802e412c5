"""Furnishing a new machine with what makes it a member's: files of one that serves, and its unit.

Contents go through our memory only. The plan and the journal have paths and digests.
"""

from collections.abc import AsyncIterator, Mapping
from posixpath import basename, dirname, join
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from requorum.errors import FactsChanged, StepFailed
from requorum.facts.host_files import adapt_bytes, read_small, sha256_of
from requorum.ports.host import Host
from requorum.runbooks.steps.owner import give, ids_of
from requorum.runbooks.steps.world import World
from requorum.workflow.step import Step

SYSTEMCTL_DEADLINE = 60.0


class CopiedFile(BaseModel):
    """One file, or a folder without its content; see `facts.host_files.FoundFile`."""

    model_config = ConfigDict(frozen=True)

    path: str
    target: str
    is_folder: bool
    adapt: bool
    mode: int
    owner: str
    group: str
    digest: str
    wanted: str


class CopyFiles(Step[World]):
    """Copy files from a member's machine to another one's, with their owners and modes.

    `words` are exchanged in the files that are adapted. What is in the way is renamed.
    """

    kind: Literal["copy-files"] = "copy-files"
    source: str
    member: str
    words: dict[str, str]
    files: tuple[CopiedFile, ...]

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Copy what is not there yet; FactsChanged where a file is not what was approved."""
        peer, new = world.host(self.source), world.host(self.member)
        for file in self.files:
            uid, gid = await ids_of(new, file.owner, file.group)
            if file.is_folder:
                await new.make_dirs(file.target, mode=file.mode)
                await give(new, file.target, uid, gid)
            else:
                await self._copy(world, peer, new, file)
                await new.chown_tree(file.target, uid, gid)
        return {"files": len(self.files)}

    async def _copy(self, world: World, peer: Host, new: Host, file: CopiedFile) -> None:
        there = await new.stat(file.target)
        if there is not None and sha256_of(await read_small(new, file.target)) == file.wanted:
            return
        content = await read_small(peer, file.path)
        if sha256_of(content) != file.digest:
            raise FactsChanged(
                f"{file.path} on {peer.name} is not what it was when the plan was made",
                hint="Plan again: `requorum runs rollback`, then the same command.",
            )
        wanted = adapt_bytes(content, self.words if file.adapt else {}, file.path)
        if there is not None:
            await new.rename(file.target, _beside(file.target, world.run))
        await new.make_dirs(dirname(file.target), mode=0o755)
        await new.write_stream(
            file.target, _whole(wanted), size=len(wanted), sha256=file.wanted, mode=file.mode
        )

    async def undo(self, world: World) -> Mapping[str, JsonValue]:
        """Rename what was copied out of the way, and what was there back; folders stay."""
        new = world.host(self.member)
        kept: dict[str, JsonValue] = {}
        for file in reversed(self.files):
            old = _beside(file.target, world.run)
            if file.is_folder:
                continue
            if await new.stat(file.target) is not None:
                if sha256_of(await read_small(new, file.target)) != file.wanted:
                    continue
                kept[file.target] = f"{old}.undone"
                await new.rename(file.target, f"{old}.undone")
            if await new.stat(old) is not None:
                await new.rename(old, file.target)
        return kept


class EnableUnit(Step[World]):
    """Have systemd read its units anew, and start this one with the host from now on."""

    kind: Literal["enable-unit"] = "enable-unit"
    member: str
    unit: str

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Enable it; it is not started."""
        host = world.host(self.member)
        await _systemctl(host, "daemon-reload")
        await _systemctl(host, "enable", "--", self.unit)
        return {}

    async def undo(self, world: World) -> Mapping[str, JsonValue]:
        """Disable it again: it was not enabled when the plan was made."""
        host = world.host(self.member)
        await _systemctl(host, "disable", "--", self.unit)
        await _systemctl(host, "daemon-reload")
        return {}


async def _systemctl(host: Host, *words: str) -> None:
    argv = ("systemctl", "--no-ask-password", *words)
    done = await host.run(argv, deadline=SYSTEMCTL_DEADLINE)
    if done.returncode != 0:
        raise StepFailed(f"`{' '.join(argv)}` on {host.name}: {done.stderr.strip()}")


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _beside(path: str, run: str) -> str:
    """Return a name that neither systemd nor kubelet reads: it begins with a dot."""
    return join(dirname(path), f".{basename(path)}.requorum-{run}")
