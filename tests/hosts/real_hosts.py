"""Real hosts for every test: three that all tests of a session share, and others of one's own.

`host_lab` is up and whole when a test gets it; a test that breaks it mends it, or breaks hosts of
its own: `new_host_lab`. All are taken down in the end. Where this machine cannot run them, every
test that asks for one is skipped with the reason.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from host_site import HostSite

from requorum.app.practice.host_lab import connect_to
from requorum.app.settings import Settings
from requorum.lab.hosts import whole_lab
from requorum.lab.hosts.base_image import base_image
from requorum.lab.hosts.description import HostLab, Wanted
from requorum.lab.hosts.faults import thaw_etcd
from requorum.lab.hosts.machine import running
from requorum.lab.hosts.network import plug
from requorum.lab.hosts.readiness import wait_up
from requorum.lab.hosts.requirements import lacking
from requorum.lab.obtain.cache import BinaryCache
from requorum.lab.obtain.wanted import Wanted as WantedEtcd

UP_SECONDS = 120.0


class NewHostLab(Protocol):
    """Makes hosts of one's own, taken down after the test. Settings are those of `Wanted`."""

    def __call__(
        self, wanted: Wanted | None = None, *, directory: Path | None = None, wait: bool = True
    ) -> HostLab:
        """Return the hosts once they serve, or at once where they are not to be waited for."""
        ...


class MakeHosts(Protocol):
    """Makes hosts in a directory; whoever asks takes them down."""

    def __call__(self, directory: Path, wanted: Wanted, *, wait: bool = True) -> HostLab:
        """Return them, see `NewHostLab`."""
        ...


class Took(dict[Path, float]):
    """How many seconds each lab took from nothing, its base image apart, to serving."""


@pytest.fixture(scope="session")
def can_run_hosts() -> None:
    """Skip, with the reason, where real hosts cannot run."""
    found = lacking()
    if found:
        pytest.skip(f"real hosts cannot run here: {found}")


@pytest.fixture(scope="session")
def seconds_to_serve() -> Took:
    """Return how long each lab of this session took."""
    return Took()


@pytest.fixture(scope="session")
def _make(
    can_run_hosts: None, etcd_binaries: Callable[[str], Path], seconds_to_serve: Took
) -> MakeHosts:
    images = Settings.from_environment().host_images

    def make(directory: Path, wanted: Wanted, *, wait: bool = True) -> HostLab:
        binaries = BinaryCache(etcd_binaries(wanted.etcd).parent)
        etcd = binaries.find(WantedEtcd.parse(wanted.etcd), accept_divergence=True)
        assert etcd is not None
        base_image(images, print)
        started = time.monotonic()
        lab = whole_lab.up(directory, wanted, etcd=etcd, image_cache=images, say=print)
        if wait:
            asyncio.run(wait_up(lab, connect_to(lab), deadline=UP_SECONDS))
            seconds_to_serve.setdefault(directory, time.monotonic() - started)
        return lab

    return make


@pytest.fixture(scope="session")
def shared_host_lab(
    _make: MakeHosts, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HostLab]:
    """Return the hosts that `host_lab` keeps whole."""
    directory = tmp_path_factory.mktemp("hosts")
    try:
        yield _make(directory, Wanted())
    finally:
        take_down(directory)


@pytest.fixture
def host_lab(shared_host_lab: HostLab) -> HostLab:
    """Return three hosts with etcd 3.5 that are up: what an earlier test broke is mended."""
    mend(shared_host_lab)
    return shared_host_lab


@pytest.fixture
def new_host_lab(_make: MakeHosts, tmp_path: Path) -> Iterator[NewHostLab]:
    """Return a function that makes hosts of the test's own."""
    made: list[Path] = []

    def make(
        wanted: Wanted | None = None, *, directory: Path | None = None, wait: bool = True
    ) -> HostLab:
        directory = directory or tmp_path / f"hosts{len(made) + 1}"
        made.append(directory)
        return _make(directory, wanted or Wanted(), wait=wait)

    yield make
    for directory in made:
        take_down(directory)


def take_down(directory: Path) -> None:
    """Take hosts down and remove them, if they are still there."""
    if (directory / "lock").exists():
        whole_lab.down(directory, remove=True)


def mend(lab: HostLab) -> None:
    """Undo cut power, pulled cables and frozen members; wait until all serve."""
    for name in lab.names:
        plug(lab, name)
        if running(lab, name):
            thaw_etcd(lab, name)
    whole_lab.boot_all(lab)
    asyncio.run(wait_up(lab, connect_to(lab), deadline=UP_SECONDS))


@pytest.fixture(scope="session")
def crashed_site(_make: MakeHosts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostSite]:
    """Return hosts of etcd 3.5 after one crash; each test puts it back: `put_back`."""
    directory = tmp_path_factory.mktemp("crashed")
    try:
        lab = _make(directory / "hosts", Wanted())
        site = HostSite(lab, directory / "state")
        yield site.crash("lost-disk:etcd1", "wal-record-flipped:etcd2")
    finally:
        take_down(directory / "hosts")
