"""Whether the hosts are up: what systemd says, whether sshd answers, whether etcd serves."""

import asyncio
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

from requorum.errors import RequorumError, Unreachable
from requorum.facts.live import PROBE, Connect
from requorum.lab.hosts.description import HostLab, LabHost
from requorum.lab.hosts.disk import is_bare
from requorum.lab.hosts.machine import inside, last_words, supervisor
from requorum.lab.hosts.network import plugged

_UP = frozenset({"running", "degraded"})
_ANSWER_SECONDS = 2.0
_POLL_SECONDS = 0.1
_STATE = ("systemctl", "show", "--property=SystemState", "--value")
_FAILED = ("systemctl", "list-units", "--failed", "--plain", "--no-legend")


@dataclass(frozen=True, slots=True)
class HostState:
    """One host at a moment. `system` is systemd's word for it, None without power.

    `bare`: it is a new machine in the place of a lost one.
    `trouble` says what sshd or etcd answered instead; it is None when all is well.
    """

    name: str
    address: str
    ssh_port: int
    client_url: str
    pid: int | None
    plugged: bool
    system: str | None
    failed_units: tuple[str, ...]
    sshd: bool
    etcd: bool
    bare: bool
    trouble: str | None

    @property
    def up(self) -> bool:
        """Return whether it is booted, answers over SSH, and its member, if it has one, serves."""
        return self.system in _UP and self.sshd and (self.etcd or self.bare)


async def look_at(lab: HostLab, connect: Connect) -> tuple[HostState, ...]:
    """Return every host's state, all of them asked at once."""
    return tuple(await asyncio.gather(*(_look(lab, host, connect) for host in lab.hosts)))


async def _look(lab: HostLab, host: LabHost, connect: Connect) -> HostState:
    process = supervisor(lab, host.name)
    if process is None:
        return _without_power(lab, host)
    system, failed = await asyncio.to_thread(_systemd, lab, host.name)
    no_ssh, no_etcd = await asyncio.gather(
        asyncio.to_thread(_trouble_with_sshd, host), _trouble_with_etcd(host, connect)
    )
    return HostState(
        name=host.name,
        address=host.address,
        ssh_port=host.ssh_port,
        client_url=host.client_url,
        pid=process.pid,
        plugged=await asyncio.to_thread(plugged, lab, host.name),
        system=system,
        failed_units=failed,
        sshd=no_ssh is None,
        etcd=no_etcd is None,
        bare=is_bare(lab, host.name),
        trouble=no_ssh or no_etcd,
    )


def _without_power(lab: HostLab, host: LabHost) -> HostState:
    """Return the state of a host that is off. Nobody is asked: its address may be another's."""
    return HostState(
        name=host.name,
        address=host.address,
        ssh_port=host.ssh_port,
        client_url=host.client_url,
        pid=None,
        plugged=False,
        system=None,
        failed_units=(),
        sshd=False,
        etcd=False,
        bare=is_bare(lab, host.name),
        trouble="it has no power",
    )


def _systemd(lab: HostLab, name: str) -> tuple[str, tuple[str, ...]]:
    """Return systemd's state and its failed units; "booting" while it answers nothing yet."""
    try:
        state = inside(lab, name, _STATE, deadline=_ANSWER_SECONDS).strip()
        failed = inside(lab, name, _FAILED, deadline=_ANSWER_SECONDS)
    except RequorumError:
        return "booting", ()
    return state, tuple(line.split()[0] for line in failed.splitlines() if line.strip())


def _trouble_with_sshd(host: LabHost) -> str | None:
    place = (host.address, host.ssh_port)
    try:
        with socket.create_connection(place, timeout=_ANSWER_SECONDS) as connection:
            banner = connection.recv(4)
    except OSError as error:
        return f"sshd does not answer: {error.strerror or error}"
    return None if banner == b"SSH-" else f"port {host.ssh_port} answers, but is no sshd"


async def _trouble_with_etcd(host: LabHost, connect: Connect) -> str | None:
    etcd = connect(host.client_url)
    try:
        await etcd.get(PROBE, deadline=_ANSWER_SECONDS)
    except RequorumError as error:
        return f"etcd does not serve: {error.message}"
    finally:
        await etcd.close()
    return None


async def wait_up(
    lab: HostLab, connect: Connect, *, deadline: float, names: Sequence[str] = ()
) -> tuple[HostState, ...]:
    """Wait until these hosts, or all, are up: booted, reached by SSH, serving; return their states.

    Unreachable, naming the first that is not up and the last line on its console, when one is not
    within `deadline` seconds.
    """
    give_up = time.monotonic() + deadline
    hosts = [lab.host(name) for name in names or lab.names]
    while True:
        states = await asyncio.gather(*(_look(lab, host, connect) for host in hosts))
        late = [state for state in states if not state.up]
        if not late:
            return tuple(states)
        if time.monotonic() > give_up:
            raise Unreachable(_why_late(lab, late[0], deadline))
        await asyncio.sleep(_POLL_SECONDS)


def wait_ssh(lab: HostLab, names: Sequence[str], *, deadline: float) -> None:
    """Wait until sshd answers on these hosts, whatever etcd does; Unreachable as with `wait_up`.

    Their systemd may say "starting" for as long as etcd, without a quorum, does not serve.
    """
    give_up = time.monotonic() + deadline
    for name in names:
        while (trouble := _trouble_with_sshd(lab.host(name))) is not None:
            if time.monotonic() > give_up:
                raise Unreachable(_late(lab, name, trouble, deadline))
            time.sleep(_POLL_SECONDS)


def _why_late(lab: HostLab, state: HostState, deadline: float) -> str:
    reason = state.trouble or f"its systemd is {state.system}"
    return _late(lab, state.name, reason, deadline)


def _late(lab: HostLab, name: str, reason: str, deadline: float) -> str:
    console = last_words(lab, name)
    return f"{name} is not up after {deadline:.0f} s: {reason}; its console ends with: {console}"
