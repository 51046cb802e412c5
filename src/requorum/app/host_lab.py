"""The use cases behind `requorum lab hosts`."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from requorum.app.practice.lab import obtained
from requorum.app.settings import Settings
from requorum.app.wiring import connector, tls_material
from requorum.domain.cluster import Tls
from requorum.errors import Unreachable, UsageError
from requorum.facts.live import Connect
from requorum.lab.hosts import faults, whole_lab
from requorum.lab.hosts.description import HostLab, Wanted, find_host_lab, read_host_lab
from requorum.lab.hosts.faults import Fault
from requorum.lab.hosts.readiness import HostState, look_at, wait_ssh, wait_up
from requorum.lab.hosts.requirements import demand_parts
from requorum.workflow.durable_file import explained

BOOT_DEADLINE = 120.0
ETCD_PATIENCE = 20.0
"""How long hosts that were there before may take to serve; whether they can is for etcd to say."""


def connect_to(lab: HostLab) -> Connect:
    """Return what makes clients for the hosts' members."""
    files = lab.client
    tls = Tls(cacert=str(files.cacert), cert=str(files.cert), key=str(files.key))
    return connector(tls_material(tls), None)


def up(
    directory: Path, wanted: Wanted, say: Callable[[str], None]
) -> tuple[HostLab, tuple[HostState, ...]]:
    """Make and boot the hosts; return them once they are up.

    New hosts are waited for until all of them serve. Those that were there before may have been
    broken on purpose: they are returned as they are, once their sshd answers.
    """
    demand_parts()
    new = find_host_lab(directory.resolve()) is None
    etcd = obtained(wanted.etcd, say)
    with explained("cannot make the hosts"):
        images = Settings.from_environment().host_images
        lab = whole_lab.up(directory, wanted, etcd=etcd, image_cache=images, say=say)
    say(f"{len(lab.hosts)} hosts boot")
    connect = connect_to(lab)
    if new:
        return lab, asyncio.run(wait_up(lab, connect, deadline=BOOT_DEADLINE))
    wait_ssh(lab, lab.names, deadline=BOOT_DEADLINE)
    with suppress(Unreachable):
        return lab, asyncio.run(wait_up(lab, connect, deadline=ETCD_PATIENCE))
    return lab, asyncio.run(look_at(lab, connect))


def status(directory: Path) -> tuple[HostState, ...]:
    """Return how every host is."""
    demand_parts()
    lab = read_host_lab(directory.resolve())
    return asyncio.run(look_at(lab, connect_to(lab)))


def bring_about(directory: Path, fault: str, names: Sequence[str]) -> HostLab:
    """Do something to hosts, all of them where none is named; UsageError for an unknown fault."""
    demand_parts()
    if fault not in set(Fault):
        raise UsageError(f"{fault} is no fault of hosts", hint=f"Faults are {', '.join(Fault)}.")
    lab = read_host_lab(directory.resolve())
    with explained(f"cannot bring about {fault}"), whole_lab.alone(lab.directory):
        faults.bring_about(lab, Fault(fault), names or lab.names)
    return lab


def down(directory: Path, *, remove: bool) -> None:
    """Shut the hosts down and leave nothing of them on this machine but, unless `remove`, files."""
    demand_parts()
    with explained("cannot take the hosts down"):
        whole_lab.down(directory, remove=remove)
