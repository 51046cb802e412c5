"""systemctl and journalctl on a host, and their errors in our terms."""

from requorum.errors import DeadlineExceeded, NoSuchUnit, RequorumError, StepFailed
from requorum.formats.systemd.unit_state import PROPERTIES, UnitState, parse_unit_state
from requorum.ports.host import Completed, Host

ASK_DEADLINE = 15.0
RELOAD_DEADLINE = 60.0
_TAIL_LINES = 5
_JOURNAL_LINES = 10
_SHOWN_CHARACTERS = 400


class Systemctl:
    """systemctl of one host, for one unit of it. `unit` has its suffix."""

    def __init__(self, host: Host, unit: str) -> None:
        self._host = host
        self.unit = unit

    async def state(self) -> UnitState:
        """Return its state; StepFailed where systemd does not tell, NoSuchUnit without one."""
        asked = f"--property={','.join(PROPERTIES)}"
        done = await self.run("show", asked, "--", self.unit, deadline=ASK_DEADLINE)
        if done.returncode != 0:
            raise self.failed("show", done)
        state = parse_unit_state(done.stdout)
        if not state.active:
            raise StepFailed(
                f"systemctl on {self._host.name} did not tell the state of {self.unit}"
            )
        if not state.exists:
            raise NoSuchUnit(
                f"systemd on {self._host.name} has no unit {self.unit}",
                hint="Correct `unit` in the cluster file, or install the unit on that host.",
            )
        return state

    async def daemon_reload(self) -> None:
        """Have systemd read unit files anew; StepFailed with its words when it cannot."""
        done = await self.run("daemon-reload", deadline=RELOAD_DEADLINE)
        if done.returncode != 0:
            raise self.failed("daemon-reload", done)

    async def run(self, *arguments: str, deadline: float) -> Completed:
        """Run systemctl to its end; StepFailed when it takes longer."""
        argv = ("systemctl", "--no-pager", "--no-ask-password", *arguments)
        try:
            return await self._host.run(argv, deadline=deadline)
        except DeadlineExceeded as error:
            raise StepFailed(
                f"`systemctl {arguments[0]} {self.unit}` on {self._host.name} "
                f"did not end within {deadline:g} s",
                hint=f"Look at `systemctl status {self.unit}` on that host.",
            ) from error

    def failed(self, verb: str, done: Completed) -> StepFailed:
        """Return the error of a systemctl that did not exit with 0."""
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-_TAIL_LINES:]
        words = " / ".join(said) or f"exit status {done.returncode}"
        return StepFailed(f"`systemctl {verb} {self.unit}` on {self._host.name}: {words}")

    async def journal(self) -> str:
        """Return the unit's last lines in the journal, each on a line of its own, "" for none.

        They explain an error, so that they cannot be had is said in their place.
        """
        argv = (
            "journalctl",
            "--no-pager",
            f"--unit={self.unit}",
            f"--lines={_JOURNAL_LINES}",
            "--output=short",
        )
        try:
            done = await self._host.run(argv, deadline=ASK_DEADLINE)
        except RequorumError as error:
            return f"\n  the journal could not be read: {error}"
        lines = (done.stdout if done.returncode == 0 else done.stderr).splitlines()
        return "".join(f"\n  {line[:_SHOWN_CHARACTERS]}" for line in lines[-_JOURNAL_LINES:])
