"""What asyncssh and the network say, in our terms: the one place where it is translated."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import asyncssh

from requorum.errors import Unreachable

# RFC 4254, 5.1: the server will not.
_PROHIBITED = 1


@contextmanager
def ssh_errors(name: str) -> Iterator[None]:
    """Turn whatever breaks an open connection to the host `name` into Unreachable."""
    try:
        yield
    except asyncssh.ChannelOpenError as error:
        raise _no_channel(name, error) from error
    except (asyncssh.Error, OSError, EOFError) as error:
        raise cut(name) from error


def cut(name: str) -> Unreachable:
    """Return the error of a call whose connection ended under it."""
    return Unreachable(
        f"the connection to {name} was cut",
        hint="What was under way there may be done or not; the next call connects anew.",
    )


def _no_channel(name: str, error: asyncssh.ChannelOpenError) -> Unreachable:
    return Unreachable(
        f"{name} opens no further channel: {error.reason.lower()}",
        hint="Its sshd may allow fewer sessions on a connection than are needed here: see "
        "MaxSessions in its sshd_config; 10, the default, is enough."
        if error.code != _PROHIBITED
        else "See MaxSessions and AllowTcpForwarding in its sshd_config.",
    )


def no_connection(destination: str, error: BaseException, arguments: str) -> Unreachable:
    """Return the error of a connection that could not be opened."""
    return Unreachable(f"{destination} cannot be reached: {_reason(error)}", hint=_hint(arguments))


def no_login(destination: str, user: str, arguments: str) -> Unreachable:
    """Return the error of a host that does not accept our keys."""
    return Unreachable(
        f"{destination} does not let {user} in: none of our keys is accepted",
        hint=f"`ssh -o BatchMode=yes {arguments} true` must succeed. A key with a passphrase "
        "must be in the ssh agent: `ssh-add`.",
    )


def _hint(arguments: str) -> str:
    return f"See what `ssh {arguments}` says, and whether the machine is up."


def _reason(error: BaseException) -> str:
    if isinstance(error, asyncssh.Error):
        return error.reason.lower() or type(error).__name__
    if isinstance(error, asyncio.TimeoutError):
        return "it does not answer"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return (str(error) or type(error).__name__).lower()
