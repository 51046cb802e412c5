"""What the process of a member was started with, where that is not what its files say by now."""

from collections.abc import Sequence
from dataclasses import dataclass
from posixpath import basename

from requorum.domain.member_settings import Means, Medium, MemberSettings, Place
from requorum.facts.member_settings import ASK_DEADLINE, show_unit
from requorum.inspection.member_configuration import MemberConfiguration, UnitSource
from requorum.inspection.member_settings import Command, Given, config_file_of, member_settings
from requorum.ports.host import Host


@dataclass(frozen=True, slots=True)
class Drift:
    """A setting that changes at the member's next start; None where it is not set."""

    flag: str
    running: str | None
    next: str | None


@dataclass(frozen=True, slots=True)
class RunningMember:
    """The process that runs now, and what a restart would change.

    `config_file_newer`: etcd's configuration file was written after the start. What it held then
    nobody knows, so its settings are not compared.
    """

    pid: int
    drift: tuple[Drift, ...]
    config_file_newer: bool = False


async def running_member(host: Host, member: MemberConfiguration) -> RunningMember | None:
    """Compare the files with the process that runs now; None where no etcd of the unit runs.

    None for a static pod, too: its process is the container runtime's.
    """
    if not isinstance(member.source, UnitSource):
        return None
    asked = "--property=MainPID,ExecMainStartTimestampMonotonic"
    properties = await show_unit(host, asked, "--", member.source.name)
    pid = properties.get("MainPID", "0")
    command = await _command_of(host, pid, member.settings)
    if command is None:
        return None
    running, following = config_file_of(command), member.settings.config_file
    if running != following:
        return RunningMember(int(pid), (Drift("config-file", running, following),))
    if running is not None:
        started = int(properties.get("ExecMainStartTimestampMonotonic") or 0)
        newer = await _written_after(host, running, started)
        return RunningMember(int(pid), (), config_file_newer=newer)
    return RunningMember(int(pid), _differences(member_settings(command, None), member.settings))


def _differences(running: MemberSettings, following: MemberSettings) -> tuple[Drift, ...]:
    flags = sorted({*running.settings, *following.settings})
    pairs = ((flag, _value(running, flag), _value(following, flag)) for flag in flags)
    return tuple(Drift(flag, now, then) for flag, now, then in pairs if now != then)


def _value(settings: MemberSettings, flag: str) -> str | None:
    setting = settings.settings.get(flag)
    return setting.value if setting else None


async def _written_after(host: Host, path: str, started: int) -> bool:
    """Return whether a file was written after a moment, in µs since the host booted.

    The kernel tells the time of its boot in whole seconds, so one of them is in doubt.
    """
    found = await host.stat(path)
    done = await host.run(("cat", "/proc/stat"), deadline=ASK_DEADLINE)
    booted = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("btime ")]
    if found is None or not booted:
        return False
    return found.mtime_ns / 1e9 > int(booted[0]) + started / 1e6 + 1.0


async def _command_of(host: Host, pid: str, settings: MemberSettings) -> Command | None:
    """Return the process's command; None where it is gone, or is not etcd but what wraps it."""
    arguments = await _words(host, f"/proc/{pid}/cmdline")
    environment = await _words(host, f"/proc/{pid}/environ")
    if pid == "0" or not arguments or not basename(arguments[0]).startswith("etcd"):
        return None
    place = Place(Medium.PROCESS, Means.FLAG, f"process {pid}", 0)
    variables = (word.partition("=") for word in environment if word.startswith("ETCD_"))
    return Command(
        binary=settings.binary,
        arguments=tuple(Given(argument, place) for argument in arguments[1:]),
        variables={name: Given(value, place) for name, _, value in variables},
        working_directory="/",
        user=settings.user,
        group=settings.group,
    )


async def _words(host: Host, path: str) -> Sequence[str]:
    """Return what the kernel lists there, each ended by a NUL; none where the process is gone."""
    done = await host.run(("cat", "--", path), deadline=ASK_DEADLINE)
    return done.stdout.split("\0")[:-1] if done.returncode == 0 else ()
