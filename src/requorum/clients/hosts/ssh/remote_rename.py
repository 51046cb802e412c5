"""A rename on a host, which is never a copy.

By SFTP: mv would copy to another file system, and remove what it copied from.
"""

import asyncio

import asyncssh

from requorum.clients.hosts.ssh.file_answers import complaint
from requorum.clients.hosts.ssh.questions import Questions
from requorum.clients.hosts.ssh.remote_files import sync_parents
from requorum.clients.hosts.ssh.sftp import Sftp
from requorum.clients.hosts.ssh.sftp_errors import sftp_errors
from requorum.errors import DeadlineExceeded, Refused, RequorumError

_SECONDS = 60.0

# SFTP says only that it failed.
_WHY = """
into=${2%/*}/
stat -- "$1" >/dev/null && stat -- "$into" >/dev/null || exit
if mountpoint -q -- "$1"; then echo ": Device or resource busy" >&2; fi
[ "$(stat -c %d -- "$1")" = "$(stat -c %d -- "$into")" ] \
  || echo ": Invalid cross-device link" >&2
"""


async def rename(questions: Questions, sftp: Sftp, source: str, target: str) -> None:
    """Rename and fsync both parents. Refused when `target` exists.

    OpenSSH's server looks again itself, and links a file rather than renaming it: so what another
    process puts there meanwhile is not replaced.
    """
    name = questions.connection.name
    both = f"{source} -> {target}"
    client = await sftp.client()
    try:
        async with asyncio.timeout(_SECONDS):
            with sftp_errors(name, target):
                there = await _exists(client, target)
            if there:
                raise Refused(f"{target} exists already, so {source} was not renamed to it")
            with sftp_errors(name, both):
                await client.rename(source, target)
    except TimeoutError as error:
        await sftp.drop()
        raise DeadlineExceeded(f"{both}: {name} did not answer within {_SECONDS:g} s") from error
    except RequorumError as error:
        if isinstance(error.__cause__, asyncssh.SFTPFailure):
            raise await _why(questions, source, target) from error
        raise
    await sync_parents(questions, source, target)


async def _exists(client: asyncssh.SFTPClient, path: str) -> bool:
    try:
        await client.lstat(path)
    except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
        return False
    return True


async def _why(questions: Questions, source: str, target: str) -> RequorumError:
    answer = await questions.ask(_WHY, source, target, deadline=_SECONDS)
    return complaint(f"{source} -> {target}", answer.err or b"it was refused")
