"""Whether a host is the one it claims to be. Without that no byte is exchanged with it.

ssh asks a person about an unknown key; we ask nobody, and refuse with what to do. There is no
setting that turns this off: `UserKnownHostsFile none` means that no host is known.
"""

from pathlib import Path

import asyncssh
from asyncssh.public_key import get_default_certificate_algs, get_default_public_key_algs

from requorum.clients.hosts.ssh.destination import Destination
from requorum.errors import Refused

_SSH_PORT = 22


def read_known_hosts(files: tuple[str, ...]) -> asyncssh.SSHKnownHosts:
    """Return what the files say; like ssh, go past missing files and lines that say nothing."""
    known = asyncssh.SSHKnownHosts()
    for file in files:
        try:
            text = Path(file).expanduser().read_text("utf-8", "replace")
        except OSError:
            continue
        for line in text.splitlines():
            try:
                known.load(line)
            except ValueError:
                continue
    return known


def algorithms_for(known: asyncssh.SSHKnownHosts, host: str, port: int) -> tuple[str, ...]:
    """Return all host key algorithms, those of the host's known keys first; none where none is."""
    keys, authorities, *_ = known.match(host, "", None if port == _SSH_PORT else port)
    if not keys and not authorities:
        return ()
    first = [algorithm for key in keys for algorithm in key.sig_algorithms]
    certificates = get_default_certificate_algs()
    rest = get_default_public_key_algs()
    ordered = (certificates + first if authorities else first + certificates) + rest
    return tuple(dict.fromkeys(algorithm.decode("ascii") for algorithm in ordered))


class KeyJudge(asyncssh.SSHClient):
    """Refuses every key that is not in known_hosts, and remembers it for the error's message."""

    def __init__(self, known: asyncssh.SSHKnownHosts, destination: Destination) -> None:
        self._known = known
        self._destination = destination
        self._presented: asyncssh.SSHKey | None = None
        self._names: tuple[str, ...] = ()
        self._is_authority = False

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        """Refuse it: asyncssh asks only for a key that is not among the known ones."""
        self._presented, self._names = key, _names(host, addr, port)
        return False

    def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Refuse an authority that known_hosts does not name."""
        self._is_authority = True
        return self.validate_host_public_key(host, addr, port, key)

    def refusal(self, error: Exception) -> Refused:
        """Return the error that says what is wrong with the key, and what to do."""
        if self._presented is None:
            return self._no_fitting_key(error)
        known = self._known_keys()
        if known and not self._is_authority:
            return self._changed(self._presented, known)
        return self._unknown(self._presented)

    def _known_keys(self) -> list[str]:
        found = (self._known.match(name, "", None)[0] for name in self._names)
        return list(dict.fromkeys(_fingerprint(key) for keys in found for key in keys))

    def _changed(self, key: asyncssh.SSHKey, known: list[str]) -> Refused:
        return Refused(
            f"the host key of {self._destination} has changed: it shows {_fingerprint(key)}, "
            f"known_hosts has {', '.join(known)}",
            hint="Somebody may stand in between, or the machine was installed anew. Ask who "
            "runs it; only if it was, forget the old key with "
            f"`ssh-keygen -R '{self._names[0]}'` and accept the new one with "
            f"`ssh {self._destination.as_ssh_arguments()}`.",
        )

    def _unknown(self, key: asyncssh.SSHKey) -> Refused:
        what = "authority" if self._is_authority else "key"
        return Refused(
            f"the host {what} of {self._destination} is not in known_hosts: it shows "
            f"{_fingerprint(key)}",
            hint="Compare the fingerprint with that of the machine, then accept it once with "
            f"`ssh {self._destination.as_ssh_arguments()}`, or put what `ssh-keyscan "
            f"{_keyscan(self._destination)}` prints into known_hosts.",
        )

    def _no_fitting_key(self, error: Exception) -> Refused:
        return Refused(
            f"{self._destination} shows no host key that could be checked: {error}",
            hint="Its keys may have changed to another kind than known_hosts has. See what "
            f"`ssh {self._destination.as_ssh_arguments()}` says.",
        )


def _names(host: str, addr: str, port: int) -> tuple[str, ...]:
    """Return what known_hosts calls the host, its address if another."""
    hosts = dict.fromkeys(each for each in (host, addr) if each)
    return tuple(hosts) if port == _SSH_PORT else tuple(f"[{each}]:{port}" for each in hosts)


def _fingerprint(key: asyncssh.SSHKey) -> str:
    return f"{key.get_algorithm()} {key.get_fingerprint()}"


def _keyscan(destination: Destination) -> str:
    port = "" if destination.port is None else f"-p {destination.port} "
    return f"{port}{destination.host}"
