"""Real sshds, and hosts behind them."""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import sshd as servers
from on_this_machine import Reach, far_host
from private_users import PrivateUsers, private_users

from requorum.clients.hosts.local import LocalHost
from requorum.clients.hosts.ssh.destination import SshSettings
from requorum.clients.hosts.ssh.host import SshHost
from requorum.ports.host import Host


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave what needs an sshd to `make test`: `make check` is to stay short."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        if "ssh" in Path(item.path).parts and {"sshd", "shared_sshd", "users", "host"} & set(names):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def shared_sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Sshd]:
    """Return an sshd that nobody harms."""
    sshd = servers.start(tmp_path_factory.mktemp("sshd"))
    yield sshd
    sshd.stop()


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[servers.Sshd]:
    """Return an sshd of the test's own, which it may harm."""
    sshd = servers.start(tmp_path / "sshd")
    yield sshd
    sshd.stop()


@pytest.fixture(scope="session")
def users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateUsers]:
    """Return an sshd with users that exist for it alone, with a real sudo."""
    with private_users(tmp_path_factory.mktemp("users")) as users:
        yield users


@pytest.fixture
async def reach() -> AsyncIterator[Reach]:
    """Return a function: sshd, settings → a host there, which is closed after the test."""
    async with AsyncExitStack() as stack:

        def reach_one(sshd: servers.Sshd, settings: SshSettings | None = None) -> SshHost:
            host = far_host(sshd, settings)
            stack.push_async_callback(host.close)
            return host

        yield reach_one


@pytest.fixture(params=["local", "ssh", "sudo"])
def host(request: pytest.FixtureRequest, reach: Reach) -> Host:
    """Return each kind of host there is; all are this machine."""
    if request.param == "local":
        return LocalHost("here")
    if request.param == "ssh":
        return reach(request.getfixturevalue("shared_sshd"))
    users: PrivateUsers = request.getfixturevalue("users")
    return reach(users.sshd, users.settings("ops", become="sudo"))
