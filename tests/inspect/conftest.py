"""Files of real members, made once per session and minor."""

import functools
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from etcd_files import Recorded, record

RecordedOf = Callable[[str], Recorded]


@pytest.fixture(scope="session")
def recorded_of(
    etcd_binaries: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> RecordedOf:
    """Return a function: minor → its files."""

    @functools.cache
    def of(minor: str) -> Recorded:
        return record(etcd_binaries(minor), minor, tmp_path_factory.mktemp(f"files-{minor}"))

    return of


@pytest.fixture
def recorded(etcd_minor: str, recorded_of: RecordedOf) -> Recorded:
    """Return the files of the minor that the test runs for."""
    return recorded_of(etcd_minor)
