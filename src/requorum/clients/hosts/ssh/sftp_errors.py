"""What an sftp-server says of a path, in our terms. It tells little: most failures are one."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import asyncssh

from requorum.clients.hosts.path_errors import path_error
from requorum.clients.hosts.ssh.ssh_errors import cut, ssh_errors
from requorum.errors import RequorumError


@contextmanager
def sftp_errors(name: str, path: str) -> Iterator[None]:
    """Turn an error into one that names `path`, or Unreachable where the session ended."""
    with ssh_errors(name):
        try:
            yield
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath) as error:
            raise path_error(path, errno.ENOENT) from error
        except asyncssh.SFTPPermissionDenied as error:
            raise path_error(path, errno.EACCES) from error
        except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection) as error:
            raise cut(name) from error
        except asyncssh.SFTPError as error:
            raise RequorumError(f"{path}: {error.reason.lower()}") from error
