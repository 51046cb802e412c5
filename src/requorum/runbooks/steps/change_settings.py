"""Changing what a member runs with, in the files of its host."""

import hashlib
from collections.abc import Mapping
from posixpath import dirname
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from requorum.domain.cluster import MemberSpec, StaticPodService, SystemdService
from requorum.domain.static_pod_files import parked_manifest
from requorum.errors import StepFailed
from requorum.facts.config_text import read_text_if_there
from requorum.facts.member_settings import read_member
from requorum.inspection.changed_configuration import changed_configuration
from requorum.ports.host import Host
from requorum.runbooks.steps.world import World
from requorum.workflow.step import Step

RELOAD_DEADLINE = 60.0


class ChangedFile(BaseModel):
    """One file: SHA-256 (hex) of its text before and after; `before` is None for a new file."""

    model_config = ConfigDict(frozen=True)

    path: str
    before: str | None
    after: str


def text_digest(text: str) -> str:
    """Return the SHA-256 of a file's text in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


class ChangeSettings(Step[World]):
    """Give flags of a member other values, wherever they are written; the old files are kept.

    The plan shows the lines and has the digests, not the texts: a configuration may hold secrets.
    The new text is made anew from the file as it is, and has to be the one that was approved.
    """

    kind: Literal["change-settings"] = "change-settings"
    member: str
    settings: dict[str, str]
    files: tuple[ChangedFile, ...]

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Write all new files beside the old ones, then exchange them by renames."""
        host, spec = world.host(self.member), world.spec(self.member)
        places = [await self._place(host, spec, file, world.run) for file in self.files]
        await self._write_new_ones(host, spec, places)
        for place in places:
            await place.exchange(host)
        await _reload(host, spec)
        await self._see(host, spec)
        return {}

    async def undo(self, world: World) -> Mapping[str, JsonValue]:
        """Rename the old files back; what stands in their places now is kept beside them."""
        host, spec = world.host(self.member), world.spec(self.member)
        kept: dict[str, JsonValue] = {}
        for file in reversed(self.files):
            place = await self._place(host, spec, file, world.run)
            name = await place.restore(host)
            if name is not None:
                kept[f"kept of {place.path}"] = name
        await _reload(host, spec)
        return kept

    async def _place(self, host: Host, spec: MemberSpec, file: ChangedFile, run: str) -> "_Place":
        path = file.path
        if isinstance(spec.service, StaticPodService):
            path = await _set_aside(host, spec.service.manifest, path)
        return _Place(await host.real_path(path), path, file, run)

    async def _write_new_ones(self, host: Host, spec: MemberSpec, places: "list[_Place]") -> None:
        """Write what is not there yet. Nothing is exchanged before all of them are."""
        missing = [place for place in places if not await place.is_made(host)]
        if not missing:
            return
        for place in missing:
            await place.refuse_if_changed(host)
        changes = changed_configuration(await read_member(host, spec), self.settings)
        texts = {change.path: change.after for change in changes}
        for place in missing:
            text = texts.get(place.named)
            if text is None or text_digest(text) != place.file.after:
                raise StepFailed(
                    f"{place.path} on {host.name} would not become what the plan shows",
                    hint="A file of that member changed after the plan was made: plan anew.",
                )
            await place.write(host, text)

    async def _see(self, host: Host, spec: MemberSpec) -> None:
        """Read it back from the host: what the member starts with is what was asked for."""
        found = (await read_member(host, spec)).settings.settings
        for flag, value in self.settings.items():
            if flag not in found or found[flag].value != value:
                raise StepFailed(
                    f"{self.member} still runs with another {flag} at its next start",
                    hint="Something else sets it: `requorum inspect member` shows what.",
                )


class _Place:
    """One file on its host, and the names beside it. `named` is its path before links."""

    def __init__(self, path: str, named: str, file: ChangedFile, run: str) -> None:
        self.path = path
        self.named = named
        self.file = file
        self._aside = f"{path}.requorum-{run}"
        self._fresh = f"{self._aside}.new"

    async def is_made(self, host: Host) -> bool:
        """Return whether the new file is written, be it in its place already or not."""
        return self.file.after in (
            await _digest(host, self.path),
            await _digest(host, self._fresh),
        )

    async def refuse_if_changed(self, host: Host) -> None:
        """Refuse where the file is not what the plan was made from."""
        if await _digest(host, self.path) != self.file.before:
            raise StepFailed(
                f"{self.path} on {host.name} is not what it was when the plan was made",
                hint="Somebody changed it meanwhile. Put it back, or roll back and plan anew.",
            )

    async def write(self, host: Host, text: str) -> None:
        """Write the new file beside its place, with the old one's mode."""
        old = await host.stat(self.path)
        if old is None:
            await host.make_dirs(dirname(self.path), mode=0o755)
        mode = 0o644 if old is None else old.mode & 0o7777
        await host.write_new(self._fresh, text.encode(), mode=mode)

    async def exchange(self, host: Host) -> None:
        """Rename the old file aside and the new one, now its owner's, into its place.

        Whatever is done of that already is not done again.
        """
        if await host.stat(self._fresh) is None:
            return
        old = await host.stat(self._aside) or await host.stat(self.path)
        if old is not None:
            await host.chown_tree(self._fresh, old.uid, old.gid)
        if self.file.before is not None and await host.stat(self._aside) is None:
            await self.refuse_if_changed(host)
            await host.rename(self.path, self._aside)
        await host.rename(self._fresh, self.path)

    async def restore(self, host: Host) -> str | None:
        """Put the old file back; return the name under which the newer one is kept.

        A file that was new and that somebody changed since is not ours to take away: StepFailed.
        """
        is_new = self.file.before is None
        there = await _digest(host, self.path)
        if there is None and is_new:
            return None
        if not is_new and await host.stat(self._aside) is None:
            return None
        if is_new and there != self.file.after:
            raise StepFailed(
                f"{self.path} on {host.name} is not what this run wrote",
                hint="Somebody changed it. Move it away, then roll back again.",
            )
        kept = None
        if there is not None:
            kept = await _free_name(host, f"{self._aside}.undone")
            await host.rename(self.path, kept)
        if not is_new:
            await host.rename(self._aside, self.path)
        return kept


async def _set_aside(host: Host, manifest: str, path: str) -> str:
    """Return where a static pod's file is to be changed: never where kubelet reads it."""
    parked = parked_manifest(manifest)
    if path not in (manifest, parked):
        return path
    if await host.stat(manifest) is not None:
        raise StepFailed(
            f"{manifest} on {host.name} is where kubelet reads it, and would start what is written",
            hint="Stop the member first: its manifest is set aside then.",
        )
    return parked


async def _reload(host: Host, spec: MemberSpec) -> None:
    """Have systemd read its units anew; environment files alone would not need it."""
    if not isinstance(spec.service, SystemdService):
        return
    argv = ("systemctl", "--no-ask-password", "daemon-reload")
    done = await host.run(argv, deadline=RELOAD_DEADLINE)
    if done.returncode != 0:
        raise StepFailed(f"`systemctl daemon-reload` on {host.name}: {done.stderr.strip()}")


async def _digest(host: Host, path: str) -> str | None:
    text = await read_text_if_there(host, path)
    return None if text is None else text_digest(text)


async def _free_name(host: Host, name: str) -> str:
    """Return the first of name, name-2, name-3 that nothing has."""
    candidate, number = name, 1
    while await host.stat(candidate) is not None:
        number += 1
        candidate = f"{name}-{number}"
    return candidate
