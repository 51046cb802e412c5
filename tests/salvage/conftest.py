"""The crashed clusters of these tests, made once per session and minor."""

import functools
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(1, str(Path(__file__).parent.parent / "inspect"))

from crashed_cluster import CrashedCluster, crash_cluster

BinariesOf = Callable[[str], Path]


@pytest.fixture(scope="session")
def crashed_of(
    etcd_binaries: BinariesOf, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], CrashedCluster]:
    """Return a function: minor → its crashed cluster."""

    @functools.cache
    def of(minor: str) -> CrashedCluster:
        return crash_cluster(minor, etcd_binaries(minor), tmp_path_factory.mktemp("crashed"))

    return of


@pytest.fixture
def crashed(etcd_minor: str, crashed_of: Callable[[str], CrashedCluster]) -> CrashedCluster:
    """Return the crash of the minor that the test runs for."""
    return crashed_of(etcd_minor)
