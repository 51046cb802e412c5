"""The recorded directories of these tests, made once per session and minor."""

import functools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from recorded_dirs import Recorded, RecordedDirs, record


@pytest.fixture(scope="session")
def recorded_dirs(
    etcd_binaries: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RecordedDirs]:
    """Return a function of (minor, members) to a killed cluster's directories."""

    @functools.cache
    def recorded(minor: str, members: int = 1) -> Recorded:
        directory = tmp_path_factory.mktemp(f"boot-{minor}-{members}") / "lab"
        return record(etcd_binaries(minor), minor, directory, members=members)

    yield recorded
    recorded.cache_clear()
