"""What the process of a member was started with, where that is not what its files say by now."""

from collections.abc import Sequence
from dataclasses import dataclass
from posixpath import basename

from requorum.domain.member_settings import Means, Medium, MemberSettings, Place
from requorum.facts.member_settings import ASK_DEADLINE, show_unit
from requorum.inspection.member_configuration import MemberConfiguration, UnitSource
from requorum.inspection.member_settings import Command, Given, config_file_of, member_settings
from requorum.ports import Host


@dataclass(frozen=True, slots=True)
class Drift:
    """A setting that changes at the member's next start; None where it is not set."""

    flag: str
    running: str | None
    next: str | None


async def drift_of(host: Host, member: MemberConfiguration) -> tuple[Drift, ...] | None:
    """Compare the files with the process that runs now; None where no etcd of the unit runs.

    A configuration file is compared by its path alone: what it held at the start nobody knows.
    """
    if not isinstance(member.source, UnitSource):
        return None
    properties = await show_unit(host, "--property=MainPID", "--", member.source.name)
    command = await _command_of(host, properties.get("MainPID", "0"), member.settings)
    if command is None:
        return None
    running, following = config_file_of(command), member.settings.config_file
    if running != following:
        return (Drift("config-file", running, following),)
    if running is not None:
        return ()
    return _differences(member_settings(command, None), member.settings)


def _differences(running: MemberSettings, following: MemberSettings) -> tuple[Drift, ...]:
    flags = sorted({*running.settings, *following.settings})
    pairs = ((flag, _value(running, flag), _value(following, flag)) for flag in flags)
    return tuple(Drift(flag, now, then) for flag, now, then in pairs if now != then)


def _value(settings: MemberSettings, flag: str) -> str | None:
    setting = settings.settings.get(flag)
    return setting.value if setting else None


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
