"""A real sshd of a test's own: its process, keys, port and directory."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import pytest

from requorum.clients.hosts.ssh.destination import SshSettings

_SBIN = "/usr/sbin:/sbin:/usr/local/sbin"
_SUBSYSTEMS = (
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
    "/usr/lib/ssh/sftp-server",
)
_READY_SECONDS = 10.0


@dataclass
class Sshd:
    """One that runs. `settings` let us in, as the user that runs the tests unless told."""

    directory: Path
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def destination(self) -> str:
        """Return where it is."""
        return f"127.0.0.1:{self.port}"

    def settings(self, **others: object) -> SshSettings:
        """Return settings that know its key and have the right one of ours."""
        ours: dict[str, object] = {
            "identity_files": (str(self.directory / "id"),),
            "known_hosts": str(self.directory / "known_hosts"),
            "config": (str(self.directory / "ssh_config"),),
        }
        return SshSettings(**(ours | others))  # type: ignore[arg-type]

    def sessions(self) -> list[int]:
        """Return the processes that it has for connections, by pid."""
        return _descendants(self.process.pid)

    def cut(self) -> None:
        """End every connection, as a crash of the host's network would."""
        for pid in self.sessions():
            if _name(pid) == "sshd":
                os.kill(pid, signal.SIGKILL)

    def freeze(self) -> None:
        """Let every connection fall silent, as a network that drops packets would."""
        for pid in self.sessions():
            if _name(pid) == "sshd":
                os.kill(pid, signal.SIGSTOP)

    def stop(self) -> None:
        """End it and its connections."""
        sessions = [pid for pid in self.sessions() if _name(pid) == "sshd"]
        self.process.kill()
        for pid in sessions:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(10)


def program() -> str:
    """Return sshd's path; skip the test where there is none."""
    found = shutil.which("sshd", path=f"{os.environ['PATH']}:{_SBIN}")
    if found is None or _sftp_server() is None:
        pytest.skip("there is no sshd with an sftp-server here: install openssh-server")
    return found


def start(
    directory: Path, *, options: Sequence[str] = (), within: Sequence[str] = (), user: str = ""
) -> Sshd:
    """Start one on a free loopback port, with new keys; `within` goes before its command line."""
    sshd = program()
    directory.mkdir(exist_ok=True)
    port = _free_port()
    _write_keys(directory, port)
    _write_config(directory, port, options)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    argv = [*within, sshd, "-D", "-e", "-f", str(directory / "sshd_config")]
    with (directory / "sshd.log").open("ab") as log:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    started = Sshd(directory, port, process)
    _await_answer(started)
    (directory / "ssh_config").write_text(f"User {user or getpass.getuser()}\n")
    return started


def restart(sshd: Sshd) -> Sshd:
    """Start it again on its port, with the keys that it has."""
    argv = [program(), "-D", "-e", "-f", str(sshd.directory / "sshd_config")]
    with (sshd.directory / "sshd.log").open("ab") as log:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    started = Sshd(sshd.directory, sshd.port, process)
    _await_answer(started)
    return started


def new_host_key(sshd: Sshd, kind: str = "ssh-ed25519") -> None:
    """Give it another host key; to be used before `restart`."""
    _write_host_key(sshd.directory, kind)


def _write_keys(directory: Path, port: int) -> None:
    public = _write_host_key(directory, "ssh-ed25519")
    (directory / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}\n")
    ours = asyncssh.generate_private_key("ssh-ed25519")
    ours.write_private_key(str(directory / "id"))
    (directory / "id").chmod(0o600)
    ours.write_public_key(str(directory / "authorized_keys"))
    (directory / "authorized_keys").chmod(0o644)


def _write_host_key(directory: Path, kind: str) -> str:
    key = asyncssh.generate_private_key(kind)
    (directory / "host_key").unlink(missing_ok=True)
    key.write_private_key(str(directory / "host_key"))
    (directory / "host_key").chmod(0o600)
    return key.export_public_key().decode().strip()


def _write_config(directory: Path, port: int, options: Sequence[str]) -> None:
    lines = (
        *options,
        f"ListenAddress 127.0.0.1:{port}",
        f"HostKey {directory}/host_key",
        f"AuthorizedKeysFile {directory}/authorized_keys",
        f"PidFile {directory}/sshd.pid",
        f"Subsystem sftp {_sftp_server()}",
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin prohibit-password",
        "MaxStartups 100",
        "LogLevel VERBOSE",
    )
    (directory / "sshd_config").write_text("".join(f"{line}\n" for line in lines))


def _sftp_server() -> str | None:
    return next((path for path in _SUBSYSTEMS if os.access(path, os.X_OK)), None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_answer(sshd: Sshd) -> None:
    end = time.monotonic() + _READY_SECONDS
    while True:
        try:
            with socket.create_connection(("127.0.0.1", sshd.port), timeout=1) as probe:
                if probe.recv(4) == b"SSH-":
                    return
        except OSError:
            pass
        log = (sshd.directory / "sshd.log").read_text()
        assert sshd.process.poll() is None, f"sshd ended: {log}"
        assert time.monotonic() < end, f"sshd does not answer: {log}"
        time.sleep(0.02)


def _descendants(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    found = [int(child) for child in children]
    return found + [each for child in found for each in _descendants(child)]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except FileNotFoundError:
        return ""
