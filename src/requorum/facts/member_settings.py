"""What a member runs with at its next start, asked from its host."""

import re
from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from posixpath import basename, dirname, join

from requorum.domain.cluster import MemberSpec, StaticPodService, SystemdService
from requorum.domain.static_pod_files import parked_manifest
from requorum.errors import DamagedInput, Refused, RequorumError
from requorum.facts.config_text import read_text, read_text_if_there
from requorum.formats.systemd.service_unit import (
    NamedFile,
    ServiceUnit,
)
from requorum.formats.systemd.specifiers import HostWords, specifiers
from requorum.formats.systemd.unit_state import parse_properties
from requorum.formats.systemd.words import split_words
from requorum.formats.text_file import TextFile
from requorum.inspection.member_configuration import (
    ManifestSource,
    MemberConfiguration,
    Source,
    UnitSource,
    config_file_path,
    configuration_of,
)
from requorum.ports.host import Host

ASK_DEADLINE = 15.0
_PROPERTIES = "LoadState,FragmentPath,DropInPaths,NeedDaemonReload"
_VERSION = re.compile(r"v?(\d+)")
_PATTERN = frozenset("*?[")


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
    drop_ins = (word.text for word in split_words(properties.get("DropInPaths", "")))
    source = UnitSource(
        name=name,
        files=tuple([await _read(host, path) for path in (fragment, *drop_ins)]),
        environment_files=(),
        meaning=specifiers(name, await _host_words(host)),
        systemd_version=await _version(host),
        needs_reload=properties.get("NeedDaemonReload") == "yes",
    )
    environment = await _environment_files(host, source.service())
    return await _with_config_file(host, replace(source, environment_files=environment))


async def _of_manifest(host: Host, manifest: str) -> MemberConfiguration:
    for path in (manifest, parked_manifest(manifest)):
        text = await read_text_if_there(host, path)
        if text is not None:
            source = ManifestSource(file=TextFile(path, text), live=manifest)
            return await _with_config_file(host, source)
    raise RequorumError(
        f"there is no manifest {manifest} on {host.name}",
        hint="Correct `manifest` in the cluster file, or put it back.",
    )


async def _with_config_file(host: Host, source: Source) -> MemberConfiguration:
    path = config_file_path(source)
    return configuration_of(source, None if path is None else await _read(host, path))


async def _read(host: Host, path: str) -> TextFile:
    return TextFile(path, await read_text(host, path))


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


async def _environment_files(host: Host, service: ServiceUnit) -> tuple[TextFile, ...]:
    found = []
    for named in service.environment_files:
        for path in await _matching(host, named):
            text = await _environment_file(host, path, named)
            if text is not None:
                found.append(TextFile(path, text))
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
