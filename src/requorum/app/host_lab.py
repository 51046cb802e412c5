"""The use cases behind `requorum lab hosts`."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from requorum.app.lab import obtained
from requorum.app.settings import Settings
from requorum.app.wiring import connector, tls_material
from requorum.domain.cluster import Tls
from requorum.facts.live import Connect
from requorum.lab.hosts import whole_lab
from requorum.lab.hosts.description import HostLab, Wanted, read_host_lab
from requorum.lab.hosts.readiness import HostState, look_at, wait_up
from requorum.lab.hosts.requirements import demand_parts

UP_DEADLINE = 120.0

down = whole_lab.down


def connect_to(lab: HostLab) -> Connect:
    """Return what makes clients for the hosts' members."""
    files = lab.client
    tls = Tls(cacert=str(files.cacert), cert=str(files.cert), key=str(files.key))
    return connector(tls_material(tls), None)


def up(
    directory: Path, wanted: Wanted, say: Callable[[str], None]
) -> tuple[HostLab, tuple[HostState, ...]]:
    """Make and boot the hosts, and wait until all of them serve."""
    demand_parts()
    lab = whole_lab.up(
        directory,
        wanted,
        etcd=obtained(wanted.etcd, say),
        image_cache=Settings.from_environment().host_images,
        say=say,
    )
    say(f"{len(lab.hosts)} hosts boot")
    return lab, asyncio.run(wait_up(lab, connect_to(lab), deadline=UP_DEADLINE))


def status(directory: Path) -> tuple[HostState, ...]:
    """Return how every host is."""
    demand_parts()
    lab = read_host_lab(directory.resolve())
    return asyncio.run(look_at(lab, connect_to(lab)))
