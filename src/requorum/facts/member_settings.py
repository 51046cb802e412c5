"""What a member runs with at its next start, asked from its host."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from posixpath import basename, dirname, join

from requorum.domain.cluster import MemberSpec, StaticPodService, SystemdService
from requorum.domain.member_settings import MemberSettings
from requorum.domain.static_pod_files import parked_manifest
from requorum.errors import DamagedInput, Refused, RequorumError
from requorum.facts.text_file import read_text, read_text_if_there
from requorum.formats.etcd_settings.static_pod import StaticPod, parse_static_pod
from requorum.formats.systemd.service_unit import (
    NamedFile,
    ServiceUnit,
    UnitText,
    parse_service,
)
from requorum.formats.systemd.specifiers import HostWords, specifiers
from requorum.formats.systemd.unit_state import parse_properties
from requorum.formats.systemd.words import split_words
from requorum.inspection.member_settings import Command, config_file_of, member_settings
from requorum.inspection.pod_command import pod_command
from requorum.inspection.service_command import service_command
from requorum.ports import Host

ASK_DEADLINE = 15.0
_PROPERTIES = "LoadState,FragmentPath,DropInPaths,NeedDaemonReload"
_VERSION = re.compile(r"v?(\d+)")
_PATTERN = frozenset("*?[")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFacts:
    """A unit as its files say, and whether systemd has yet to read them."""

    name: str
    service: ServiceUnit
    drop_ins: tuple[str, ...]
    needs_reload: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberConfiguration:
    """What a member runs with, and every file that says so: what a change starts from.

    `unit` is None for a static pod, whose manifest is the only file beside a configuration file.
    """

    settings: MemberSettings
    files: tuple[UnitText, ...]
    unit: UnitFacts | None = None

    def text(self, path: str) -> str:
        """Return the text of a file that was read; KeyError for another."""
        for file in self.files:
            if file.path == path:
                return file.text
        raise KeyError(path)


async def read_member(host: Host, member: MemberSpec) -> MemberConfiguration:
    """Ask for everything; the error says which file, and why it cannot be read or understood.

    Refused for a service of commands: nobody but the operator knows what they run.
    """
    try:
        match member.service:
            case SystemdService(unit=unit):
                return await _of_unit(host, unit)
            case StaticPodService(manifest=manifest):
                return await _of_manifest(host, manifest)
            case _:
                raise Refused(
                    f"{member.name} is run by commands, so where its settings are is not known",
                    hint="Use `kind: systemd` or `kind: static-pod` where that is what runs it.",
                )
    except DamagedInput as error:
        where = f"what {member.name} on {host.name} runs with cannot be told"
        raise DamagedInput(f"{where}: {error.message}", hint=error.hint) from error


async def _of_unit(host: Host, name: str) -> MemberConfiguration:
    properties = await show_unit(host, f"--property={_PROPERTIES}", "--", name)
    fragment = properties.get("FragmentPath", "")
    if not fragment:
        state = properties.get("LoadState", "unknown")
        raise RequorumError(
            f"systemd on {host.name} has no file for the unit {name}: {state}",
            hint="Correct `unit` in the cluster file, or install the unit on that host.",
        )
    drop_ins = tuple(word.text for word in split_words(properties.get("DropInPaths", "")))
    files = [UnitText(path, await read_text(host, path)) for path in (fragment, *drop_ins)]
    service = parse_service(files, specifiers(name, await _host_words(host)))
    environment = await _environment_files(host, service)
    command = service_command(service, environment, systemd_version=await _version(host))
    return await _with_config_file(
        host,
        command,
        [*files, *environment],
        UnitFacts(
            name=name,
            service=service,
            drop_ins=drop_ins,
            needs_reload=properties.get("NeedDaemonReload") == "yes",
        ),
    )


async def _of_manifest(host: Host, manifest: str) -> MemberConfiguration:
    for path in (manifest, parked_manifest(manifest)):
        text = await read_text_if_there(host, path)
        if text is not None:
            command = pod_command(_parsed(path, text), path)
            return await _with_config_file(host, command, [UnitText(path, text)], None)
    raise RequorumError(
        f"there is no manifest {manifest} on {host.name}",
        hint="Correct `manifest` in the cluster file, or put it back.",
    )


def _parsed(path: str, text: str) -> StaticPod:
    try:
        return parse_static_pod(text)
    except DamagedInput as error:
        raise DamagedInput(f"{path}: {error.message}", hint=error.hint) from error


async def _with_config_file(
    host: Host, command: Command, files: Sequence[UnitText], unit: UnitFacts | None
) -> MemberConfiguration:
    path = config_file_of(command)
    text = None if path is None else await read_text(host, path)
    more = () if path is None or text is None else (UnitText(path, text),)
    return MemberConfiguration(
        settings=member_settings(command, text), files=(*files, *more), unit=unit
    )


async def show_unit(host: Host, *arguments: str) -> Mapping[str, str]:
    """Return what `systemctl show` prints for these arguments."""
    argv = ("systemctl", "--no-pager", "show", *arguments)
    done = await host.run(argv, deadline=ASK_DEADLINE)
    if done.returncode != 0:
        said = done.stderr.strip() or f"exit status {done.returncode}"
        raise RequorumError(f"`systemctl show` on {host.name}: {said}")
    return parse_properties(done.stdout)


async def _version(host: Host) -> int:
    """Return systemd's release. Its text begins with it: `252.38-1~deb12u1`, `v255`."""
    text = (await show_unit(host, "--property=Version")).get("Version", "")
    number = _VERSION.match(text)
    if number is None:
        raise RequorumError(f"systemd on {host.name} does not tell its release: `{text}`")
    return int(number[1])


async def _host_words(host: Host) -> HostWords:
    done = await host.run(("uname", "-n", "-r"), deadline=ASK_DEADLINE)
    words = done.stdout.split()
    if done.returncode != 0 or len(words) != 2:
        raise RequorumError(f"`uname -n -r` on {host.name}: {done.stderr.strip()}")
    machine_id = await read_text_if_there(host, "/etc/machine-id") or ""
    return HostWords(hostname=words[0], kernel_release=words[1], machine_id=machine_id.strip())


async def _environment_files(host: Host, service: ServiceUnit) -> tuple[UnitText, ...]:
    found = []
    for named in service.environment_files:
        for path in await _matching(host, named):
            text = await _environment_file(host, path, named)
            if text is not None:
                found.append(UnitText(path, text))
    return tuple(found)


async def _environment_file(host: Host, path: str, named: NamedFile) -> str | None:
    if named.optional:
        return await read_text_if_there(host, path)
    return await read_text(host, path)


async def _matching(host: Host, named: NamedFile) -> tuple[str, ...]:
    """Return the paths that an EnvironmentFile= means; a pattern may mean several."""
    folder, pattern = dirname(named.path), basename(named.path)
    if _PATTERN.isdisjoint(named.path):
        return (named.path,)
    if not _PATTERN.isdisjoint(folder):
        raise DamagedInput(f"EnvironmentFile={named.path}: a pattern for a folder is not followed")
    names = await host.list_dir(folder) or ()
    shown = (name for name in names if pattern.startswith(".") or not name.startswith("."))
    found = tuple(join(folder, name) for name in shown if fnmatchcase(name, pattern))
    if not found and not named.optional:
        raise DamagedInput(f"EnvironmentFile={named.path}: no file of {host.name} matches")
    return found
