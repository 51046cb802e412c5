"""Real etcd for every test: binaries by version, and practice clusters that are always taken down.

Binaries are provisioned before pytest runs (`make test`). A version that could not be had is
named in REQUORUM_ETCD_MISSING and skipped with that reason; any other missing one is a failure.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import settings

from requorum.clients.etcd.client import connect as connect_etcd
from requorum.lab.layout import Lab, TlsFiles
from requorum.lab.obtain.cache import BinaryCache, default_cache
from requorum.lab.obtain.wanted import Wanted
from requorum.lab.practice import crash, up
from requorum.ports.etcd import Etcd

# How long one example takes says nothing on a busy machine; pytest-timeout catches a hang.
settings.register_profile("requorum", deadline=None)
settings.load_profile("requorum")

ETCD_MINORS = ["3.4", "3.5", "3.6", "3.7"]

pytest_plugins = ["real_hosts"]

BinariesOf = Callable[[str], Path]


class StartPractice(Protocol):
    """Starts a practice cluster of a version ("3.5", "3.5.1") below the test's own directory."""

    def __call__(
        self,
        version: str,
        *,
        members: int = 3,
        extra_flags: tuple[str, ...] = (),
        tls: TlsFiles | None = None,
    ) -> Lab:
        """Return it once its processes run; see `requorum.lab.practice.wait_ready`."""
        ...


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the number of trials of `make kill-trials`, and whether transcripts are written."""
    trials = "how often requorum is killed; FIRST-LAST repeats trials by their numbers"
    parser.addoption("--kill-trials", metavar="N", help=trials)
    rewrite = "write tests/transcripts anew; commit only what you understand of the diff"
    parser.addoption("--rewrite-transcripts", action="store_true", help=rewrite)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the `kill` trials out where nobody asked for any: they take minutes to hours."""
    if config.getoption("kill_trials"):
        return
    trials = [item for item in items if item.get_closest_marker("kill")]
    config.hook.pytest_deselected(items=trials)
    items[:] = [item for item in items if item not in trials]


@pytest.fixture
def transcript(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return a function: compares a text with tests/transcripts/<name>.txt, or writes it."""
    directory = Path(__file__).parent / "transcripts"

    def compare(name: str, text: str) -> None:
        path = directory / f"{name}.txt"
        if request.config.getoption("--rewrite-transcripts"):
            directory.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing: pytest --rewrite-transcripts writes it"
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture(scope="session")
def etcd_cache() -> Path:
    """Return the directory that holds etcd's binaries by version."""
    return default_cache(os.environ)


@pytest.fixture(scope="session")
def etcd_binaries(etcd_cache: Path) -> BinariesOf:
    """Return a function: version ("3.5", "3.5.1") → directory of its binaries."""
    missing = {
        version.strip() for version in os.environ.get("REQUORUM_ETCD_MISSING", "").split(",")
    }

    def binaries_of(version: str) -> Path:
        if version in missing:
            pytest.skip(f"etcd {version} could not be had on this machine: see the provisioning")
        had = BinaryCache(etcd_cache).find(Wanted.parse(version), accept_divergence=True)
        if had is None:
            pytest.fail(f"etcd {version} is not in {etcd_cache}: run the tests with `make test`")
        return had.directory

    return binaries_of


@pytest.fixture(params=ETCD_MINORS)
def etcd_minor(request: pytest.FixtureRequest, etcd_binaries: BinariesOf) -> str:
    """Run the test once for each minor of etcd that we support."""
    minor: str = request.param
    etcd_binaries(minor)
    return minor


@pytest.fixture
def practice_cluster(tmp_path: Path, etcd_binaries: BinariesOf) -> Iterator[StartPractice]:
    """Return a function that starts practice clusters; each is killed, by pid, after the test."""
    directories: list[Path] = []

    def start(
        version: str,
        *,
        members: int = 3,
        extra_flags: tuple[str, ...] = (),
        tls: TlsFiles | None = None,
    ) -> Lab:
        directory = tmp_path / f"lab{len(directories) + 1}"
        directories.append(directory)
        bin_dir = etcd_binaries(version)
        return up(directory, bin_dir=bin_dir, members=members, extra_flags=extra_flags, tls=tls)

    yield start
    for directory in directories:
        if (directory / "lab.json").exists():
            crash(directory)


@pytest.fixture
def connect() -> Callable[[str], Etcd]:
    """Return a function: client URL → client without TLS and user, for the running event loop."""
    return lambda endpoint: connect_etcd(endpoint, tls=None, credentials=None)
