"""Find, on a host, the etcd release that can work on a member's data."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from requorum.domain.binaries import EtcdBinaries
from requorum.domain.version import EtcdVersion
from requorum.errors import RequorumError, ToolUnfit
from requorum.ports.host import Host

_DEADLINE_SECONDS = 15.0
_PATH_TO_ETCD = re.compile(r"(?<![\w./-])(/[\w./+@-]*)/etcd(?![\w./-])")
_SCRIPT_BYTES = 64 * 1024
_HINT = "Name the directory of fitting etcd binaries with --etcd-bin-dir."


@dataclass(frozen=True, slots=True)
class _Looked:
    """A directory that was looked at, and what was there."""

    directory: str
    found: EtcdBinaries | None
    verdict: str


async def locate(
    host: Host,
    *,
    wanted: tuple[int, int] | None,
    bin_dir: str | None,
    hints: Sequence[str],
    cache_dir: str | None,
) -> EtcdBinaries:
    """Return the binaries of the `wanted` minor with the highest patch.

    With `bin_dir` only that directory is looked at. Otherwise, in this order: the directories
    of each path to an `etcd` in `hints` (words of a start command, or a script among them), PATH,
    the subdirectories of `cache_dir`. Between equals, and when no minor is wanted, the first
    one counts. ToolUnfit lists what was looked at.
    """
    looked = [
        await _look(host, path) async for path in _candidates(host, bin_dir, hints, cache_dir)
    ]
    found = [each.found for each in looked if each.found is not None]
    if wanted is None and found:
        return found[0]
    fitting = [each for each in found if each.version.minor_series == wanted]
    if fitting:
        return max(fitting, key=lambda binaries: binaries.version)
    raise _unfit(host, wanted, looked)


async def _candidates(
    host: Host, bin_dir: str | None, hints: Sequence[str], cache_dir: str | None
) -> AsyncIterator[str]:
    """Yield each directory once that holds a file named `etcd`; `bin_dir` in any case."""
    if bin_dir is not None:
        yield bin_dir
        return
    hinted = [directory for word in hints for directory in await _named_in(host, word)]
    cached = await host.list_dir(cache_dir) or () if cache_dir is not None else ()
    directories = (*hinted, *await _search_path(host), *(f"{cache_dir}/{name}" for name in cached))
    for directory in dict.fromkeys(directories):
        if await _is_file(host, f"{directory}/etcd"):
            yield directory


async def _named_in(host: Host, word: str) -> list[str]:
    """Return the directories of each `/…/etcd` in a word, or in the small script that it names."""
    found = _PATH_TO_ETCD.findall(word)
    if not found and word.startswith("/") and await _is_file(host, word):
        async with host.open(word) as source:
            length = min(source.size, _SCRIPT_BYTES)
            head = await asyncio.to_thread(source.read, 0, length)
            found = _PATH_TO_ETCD.findall(bytes(head).decode(errors="replace"))
    return list(found)


async def _search_path(host: Host) -> list[str]:
    """Return the directories of PATH as a command on the host sees it."""
    done = await host.run(("printenv", "PATH"), deadline=_DEADLINE_SECONDS)
    return [entry for entry in done.stdout.strip().split(":") if entry.startswith("/")]


async def _look(host: Host, directory: str) -> _Looked:
    etcd = f"{directory}/etcd"
    if not await _is_file(host, etcd):
        return _Looked(directory, None, "no etcd there")
    try:
        done = await host.run((etcd, "--version"), deadline=_DEADLINE_SECONDS)
    except RequorumError as error:
        return _Looked(directory, None, str(error))
    version = _version(done.stdout)
    if done.returncode != 0 or version is None:
        return _Looked(directory, None, "its etcd does not tell its version")
    return await _with_tools(host, directory, version)


async def _with_tools(host: Host, directory: str, version: EtcdVersion) -> _Looked:
    """Refuse a release without its restore tool: it would fail in the middle of a plan."""
    binaries = EtcdBinaries(
        directory=directory,
        version=version,
        has_etcdutl=await _is_file(host, f"{directory}/etcdutl"),
    )
    if not await _is_file(host, binaries.restore_tool):
        name = binaries.restore_tool.rpartition("/")[2]
        return _Looked(directory, None, f"{version}, without its {name}")
    return _Looked(directory, binaries, str(version))


def _version(output: str) -> EtcdVersion | None:
    lines = (line for line in output.splitlines() if line.startswith("etcd Version:"))
    return next((EtcdVersion.parse(line) for line in lines), None)


async def _is_file(host: Host, path: str) -> bool:
    found = await host.stat(path)
    return found is not None and found.kind == "file"


def _unfit(host: Host, wanted: tuple[int, int] | None, looked: Sequence[_Looked]) -> ToolUnfit:
    release = "etcd" if wanted is None else f"etcd {wanted[0]}.{wanted[1]}"
    if not looked:
        return ToolUnfit(f"no {release} binaries on {host.name}", hint=_HINT)
    seen = ", ".join(f"{each.directory} ({each.verdict})" for each in looked)
    return ToolUnfit(f"no {release} binaries on {host.name}; looked at {seen}", hint=_HINT)
