"""The settings of a member that commands of the operator's run."""

from collections.abc import Mapping

from requorum.clients.hosts.command_service import command_failed
from requorum.errors import DeadlineExceeded, StepFailed
from requorum.ports.host import Host

_DEADLINE = 60.0


class CommandSettingsControl:
    """Hands etcd's flags to the `configure` command; without any it goes back."""

    def __init__(self, host: Host, configure: tuple[str, ...]) -> None:
        self._host = host
        self._configure = configure

    async def change(self, run: str, settings: Mapping[str, str]) -> None:  # noqa: ARG002  # the contract
        """Set these from the next start on; StepFailed with the command's own words."""
        await self._run(*(f"--{flag}={value}" for flag, value in settings.items()))

    async def put_back(self, run: str) -> None:  # noqa: ARG002  # the contract
        """Go back to what counted before; StepFailed with the command's own words."""
        await self._run()

    async def _run(self, *flags: str) -> None:
        try:
            done = await self._host.run((*self._configure, *flags), deadline=_DEADLINE)
        except DeadlineExceeded as error:
            raise StepFailed(f"the configure command failed: {error}", hint=error.hint) from error
        if done.returncode != 0:
            raise command_failed("configure", done)
