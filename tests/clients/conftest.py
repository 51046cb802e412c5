"""Fixtures: real etcd processes on loopback."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from running_etcd import RELEASES, RunningEtcd, StartEtcd, start


@pytest.fixture(scope="module", params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    """Repeat the test with each minor version."""
    version: str = request.param
    return version


@pytest.fixture(scope="module")
def start_etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartEtcd]:
    """Return a function that starts an etcd of a release; all end with the module."""
    with ExitStack() as stack:

        def start_one(release: str, *flags: str, scheme: str = "http") -> RunningEtcd:
            etcd = start(release, tmp_path_factory.mktemp("etcd"), flags, scheme)
            stack.callback(etcd.kill)
            return etcd

        yield start_one


@pytest.fixture(scope="module")
def etcd(release: str, start_etcd: StartEtcd) -> RunningEtcd:
    """Return a plain etcd that the module's tests share; each uses keys of its own."""
    return start_etcd(release)
