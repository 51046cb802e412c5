"""A fence: systemd does not start a unit as long as it stands, not even after a reboot.

A run moves and rewrites a member's data. In the middle of it nothing must start the member: not
Restart=, not a person or a playbook, not the boot of a host that lost its power. So the fence has
to be on the disk. `systemctl mask` would be, but it fails for a unit file that lies in
/etc/systemd/system itself, as kubespray's does; `mask --runtime` and a drop-in below /run do not
outlive a reboot; `systemctl disable` keeps nobody from starting the unit. A drop-in below /etc with
an assertion that cannot hold does all of it: `systemctl start` fails and names it, `systemctl
status` and `systemctl cat` show it, and it is lifted by renaming the file. An assertion rather than
a condition: systemd is silent where a condition is not met, and `systemctl start` exits with 0.
"""

import re
from posixpath import dirname

from requorum.clients.hosts.systemctl import Systemctl
from requorum.clients.hosts.text_file import read_text
from requorum.domain.unit_files import fence_drop_in
from requorum.errors import StepFailed
from requorum.ports.host import Host

_RUN = re.compile(r"^# requorum run (\S+)$", re.MULTILINE)
_STAYS = "# This stays when that run has ended.\n"


class SystemdFence:
    """Keeps one unit from being started. What runs goes on: stop it as well."""

    def __init__(self, host: Host, unit: str) -> None:
        self._host = host
        self._systemctl = Systemctl(host, unit)
        self._path = fence_drop_in(unit)

    async def held_by(self) -> str | None:
        """Return the id of the run whose fence stands, None where none does."""
        text = await self._read()
        if text is None:
            return None
        found = _RUN.search(text)
        return found[1] if found else "unknown"

    async def put_up(self, run: str, *, stays: bool = False) -> None:
        """Put the fence up; no change where this run's stands.

        One that `stays` keeps a member out that a run left behind: the next run takes its place.
        StepFailed for any other run's.
        """
        holder = await self.held_by()
        if holder not in (None, run):
            if _STAYS not in (await self._read() or ""):
                raise self._of_another(holder)
            await self._host.rename(self._path, self._before(run))
            holder = None
        if holder is None:
            await self._host.make_dirs(dirname(self._path), mode=0o755)
            await self._host.write_new(self._path, self._text(run, stays=stays), mode=0o644)
        await self._systemctl.daemon_reload()

    async def lift(self, run: str, *, as_before: bool = False) -> None:
        """Take this run's fence away, under a name that systemd does not read.

        `as_before` puts back the one whose place it took. No change where none stands; StepFailed
        for another run's, but for that one.
        """
        holder = await self.held_by()
        gave_back = as_before and holder is not None and not await self._waits(run)
        if holder not in (None, run) and not gave_back:
            raise self._of_another(holder)
        if holder == run:
            await self._host.rename(self._path, await self._free_name(f"{self._path}.lifted-{run}"))
        if as_before and await self._waits(run):
            await self._host.rename(self._before(run), self._path)
        await self._systemctl.daemon_reload()

    async def _read(self) -> str | None:
        if await self._host.stat(self._path) is None:
            return None
        return await read_text(self._host, self._path)

    def _before(self, run: str) -> str:
        return f"{self._path}.before-{run}"

    async def _waits(self, run: str) -> bool:
        """Return whether a fence is set aside whose place this run's took."""
        return await self._host.stat(self._before(run)) is not None

    async def _free_name(self, name: str) -> str:
        """Return the first of name, name-2, name-3 that nothing has: a run may lift it twice."""
        candidate, number = name, 1
        while await self._host.stat(candidate) is not None:
            number += 1
            candidate = f"{name}-{number}"
        return candidate

    def _text(self, run: str, *, stays: bool) -> bytes:
        why = (
            f"# {self._systemctl.unit} must not start while that run changes its data.\n"
            f"# `requorum runs resume {run}` and `requorum runs rollback {run}` lift this.\n"
        )
        if stays:
            why = (
                f"{_STAYS}"
                f"# {self._systemctl.unit} was left out: its data is old or damaged.\n"
                "# Once its data is replaced, lift it:\n"
                f"#   mv {self._path} {self._path}.lifted && systemctl daemon-reload\n"
            )
        return (f"# requorum run {run}\n{why}[Unit]\nAssertPathExists=!{self._path}\n").encode()

    def _of_another(self, holder: str | None) -> StepFailed:
        return StepFailed(
            f"{self._systemctl.unit} on {self._host.name} is fenced by run {holder}: {self._path}",
            hint=f"`requorum runs resume {holder}` or `requorum runs rollback {holder}` lifts it.",
        )
