"""Fixtures of the recovery tests; their modules lie beside them."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "clients" / "ssh"))

from sites import Sites


@pytest.fixture(scope="module")
def sites(
    tmp_path_factory: pytest.TempPathFactory,
    etcd_binaries: Callable[[str], Path],
    etcd_cache: Path,
) -> Iterator[Sites]:
    """Return what makes sites; each is killed, by pid, after the module's tests."""
    with ExitStack() as stack:
        yield Sites(tmp_path_factory.mktemp("recover"), etcd_binaries, etcd_cache, stack)
