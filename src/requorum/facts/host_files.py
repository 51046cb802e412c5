"""The files that make a machine a member's, on the one that serves and on the new one."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from posixpath import join

from requorum.domain.adapted_text import adapted
from requorum.domain.cluster import HostFile, MemberSpec
from requorum.errors import RequorumError
from requorum.ports.host import FileStat, Host

ASK_DEADLINE = 15.0
SIZE_MAX = 16 << 20
FILES_MAX = 2000
_PRIVATE_KEY = b"PRIVATE KEY-----"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One file or folder of the machine that serves, as it is to be on the new one.

    `target` is where it is to be there: `path`, but for a manifest that kubelet would start.
    `digest` is the SHA-256 (hex) of its content there, `wanted` that of what is to be written;
    both are "" for a folder. `there` is whether the new machine has exactly that already.
    """

    path: str
    target: str
    is_folder: bool
    adapt: bool
    mode: int
    owner: str
    group: str
    size: int
    digest: str
    wanted: str
    there: bool


@dataclass(frozen=True, slots=True)
class HostFiles:
    """All of them. `left_out` are private keys that lie in a folder and are not named."""

    found: tuple[FoundFile, ...]
    left_out: tuple[str, ...]
    missing: tuple[str, ...]


async def host_files(
    peer: Host,
    new: Host,
    files: tuple[HostFile, ...],
    words: Mapping[str, str],
    *,
    elsewhere: Mapping[str, str],
) -> HostFiles:
    """Compare what the cluster file names on both machines.

    `elsewhere` are paths that lie somewhere else on the new one.

    A private key is copied only where it is named itself: in a folder it is most likely one that
    belongs to the other machine.
    """
    found: list[FoundFile] = []
    left_out: list[str] = []
    missing: list[str] = []
    for file in files:
        if await peer.stat(file.path) is None:
            missing.append(file.path)
            continue
        for path in await _below(peer, file.path):
            if path != file.path and await _is_private_key(peer, path):
                left_out.append(path)
                continue
            target = elsewhere.get(path, path)
            found.append(await _found(peer, path, new, target, words if file.adapt else {}))
    return HostFiles(tuple(found), tuple(left_out), tuple(missing))


async def folder_like(peer: Host, its: str, new: Host, path: str) -> FoundFile:
    """Return the folder `path` of the new machine, to be as `its` is on the other one."""
    return await _found(peer, its, new, path, {})


async def words_of(
    peer: Host, new: Host, serving: MemberSpec, member: MemberSpec, addresses: Mapping[str, str]
) -> dict[str, str]:
    """Return what stands for one machine in a file's text, and what stands for the other."""
    return {
        serving.name: member.name,
        await hostname(peer): await hostname(new),
        **addresses,
    }


async def hostname(host: Host) -> str:
    """Return what the machine calls itself."""
    done = await host.run(("uname", "-n"), deadline=ASK_DEADLINE)
    if done.returncode != 0 or not done.stdout.strip():
        raise RequorumError(f"`uname -n` on {host.name}: {done.stderr.strip()}")
    return done.stdout.strip()


async def read_small(host: Host, path: str) -> bytes:
    """Return a file's content; RequorumError where it is too long for a configuration."""
    async with host.open(path) as source:
        if source.size > SIZE_MAX:
            raise RequorumError(
                f"{path} on {host.name} has {source.size} bytes: that is no configuration",
                hint="Take it out of `files` in the cluster file, and copy it by hand.",
            )
        return await asyncio.to_thread(lambda: bytes(source.read(0, source.size)))


async def _below(host: Host, path: str) -> list[str]:
    """Return the path, and all below it where it is a folder, parents first."""
    paths, at = [path], 0
    while at < len(paths):
        stat = await host.stat(paths[at])
        if stat is not None and stat.kind == "dir":
            paths += [join(paths[at], name) for name in await host.list_dir(paths[at]) or ()]
        if len(paths) > FILES_MAX:
            raise RequorumError(
                f"{path} on {host.name} has more than {FILES_MAX} files in it",
                hint="Name in `files` of the cluster file only what a member needs.",
            )
        at += 1
    return paths


async def _is_private_key(host: Host, path: str) -> bool:
    stat = await host.stat(path)
    if stat is None or stat.kind != "file":
        return False
    return _PRIVATE_KEY in await read_small(host, path)


async def _found(
    peer: Host, path: str, new: Host, target: str, words: Mapping[str, str]
) -> FoundFile:
    stat = await peer.stat(path)
    if stat is None or stat.kind == "other":
        raise RequorumError(f"{path} on {peer.name} is neither a file nor a folder")
    owner, group = await owner_of(peer, path)
    content = b"" if stat.kind == "dir" else await read_small(peer, path)
    wanted = adapt_bytes(content, words, path)
    return FoundFile(
        path=path,
        target=target,
        is_folder=stat.kind == "dir",
        adapt=bool(words),
        mode=stat.mode & 0o7777,
        owner=owner,
        group=group,
        size=len(wanted),
        digest="" if stat.kind == "dir" else sha256_of(content),
        wanted="" if stat.kind == "dir" else sha256_of(wanted),
        there=await _is_there(new, target, stat, wanted),
    )


def adapt_bytes(content: bytes, words: Mapping[str, str], path: str) -> bytes:
    """Return the content for the other machine; RequorumError where it is no text."""
    if not words:
        return content
    try:
        return adapted(content.decode(), words).encode()
    except UnicodeDecodeError as error:
        raise RequorumError(f"{path} is no text, so it cannot be adapted") from error


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


async def _is_there(new: Host, path: str, like: FileStat, wanted: bytes) -> bool:
    stat = await new.stat(path)
    if stat is None or stat.kind != like.kind:
        return False
    return stat.kind == "dir" or await read_small(new, path) == wanted


async def owner_of(host: Host, path: str) -> tuple[str, str]:
    """Return user and group by name: their numbers may differ between machines."""
    done = await host.run(("stat", "-L", "-c", "%U:%G", "--", path), deadline=ASK_DEADLINE)
    user, _, group = done.stdout.strip().partition(":")
    if done.returncode != 0 or not user or not group:
        raise RequorumError(f"`stat {path}` on {host.name}: {done.stderr.strip()}")
    return user, group
