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
from posixpath import join

from requorum.clients.hosts.systemctl import Systemctl
from requorum.clients.hosts.text_file import read_text
from requorum.errors import StepFailed
from requorum.ports import Host

UNITS = "/etc/systemd/system"
_NAME = "zz-requorum-fence.conf"
_RUN = re.compile(r"^# requorum run (\S+)$", re.MULTILINE)


class SystemdFence:
    """Keeps one unit from being started. What runs goes on: stop it afterwards."""

    def __init__(self, host: Host, unit: str) -> None:
        self._host = host
        self._systemctl = Systemctl(host, unit)
        self._folder = join(UNITS, f"{unit}.d")
        self._path = join(self._folder, _NAME)

    async def held_by(self) -> str | None:
        """Return the id of the run whose fence stands, None where none does."""
        if await self._host.stat(self._path) is None:
            return None
        found = _RUN.search(await read_text(self._host, self._path))
        return found[1] if found else "unknown"

    async def put_up(self, run: str) -> None:
        """Put the fence up; no change where this run's stands. StepFailed for another run's."""
        holder = await self.held_by()
        if holder not in (None, run):
            raise self._of_another(holder)
        if holder is None:
            await self._host.make_dirs(self._folder, mode=0o755)
            await self._host.write_new(self._path, self._text(run), mode=0o644)
        await self._systemctl.daemon_reload()

    async def lift(self, run: str) -> None:
        """Take this run's fence away, under a name that systemd does not read.

        No change where none stands; StepFailed for another run's.
        """
        holder = await self.held_by()
        if holder not in (None, run):
            raise self._of_another(holder)
        if holder is not None:
            await self._host.rename(self._path, await self._free_name(f"{self._path}.lifted-{run}"))
        await self._systemctl.daemon_reload()

    async def _free_name(self, name: str) -> str:
        """Return the first of name, name-2, name-3 that nothing has: a run may lift it twice."""
        candidate, number = name, 1
        while await self._host.stat(candidate) is not None:
            number += 1
            candidate = f"{name}-{number}"
        return candidate

    def _text(self, run: str) -> bytes:
        return (
            f"# requorum run {run}\n"
            f"# {self._systemctl.unit} must not start while that run changes its data.\n"
            f"# `requorum runs resume {run}` and `requorum runs rollback {run}` lift this.\n"
            "[Unit]\n"
            f"AssertPathExists=!{self._path}\n"
        ).encode()

    def _of_another(self, holder: str | None) -> StepFailed:
        return StepFailed(
            f"{self._systemctl.unit} on {self._host.name} is fenced by run {holder}: {self._path}",
            hint=f"`requorum runs resume {holder}` or `requorum runs rollback {holder}` lifts it.",
        )
