"""The sessions that the pages show are run, each page in a home of its own, and must come true."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from doc_pages import blocks, name_of, pages
from real_hosts import take_down
from transcript import differences, run_block, session_env

from requorum.app.settings import Settings
from requorum.lab.practice import crash

EXECUTED = [page for page in pages() if any(b.exit_code is not None for b in blocks(page))]
ON_HOSTS = [page for page in EXECUTED if any(b.on_hosts for b in blocks(page))]

pytestmark = [pytest.mark.etcd, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Return an empty home; the practice clusters that were made in it are killed, by pid."""
    yield tmp_path
    for lab in tmp_path.rglob("lab.json"):
        crash(lab.parent)


def test_there_are_sessions_to_run() -> None:
    """README, the tutorial and the how-tos are executed, not only read."""
    names = {name_of(page) for page in EXECUTED}
    assert {"README.md", "docs/tutorial/first-recovery.md"} <= names
    assert len([name for name in names if name.startswith("docs/howto/")]) >= 4


@pytest.mark.parametrize("page", [p for p in EXECUTED if p not in ON_HOSTS], ids=name_of)
def test_a_shown_session_comes_true(
    page: Path, home: Path, etcd_binaries: Callable[[str], Path], etcd_cache: Path
) -> None:
    """Every command ends as shown and prints what is shown, numbers and ids aside."""
    env = session_env(home, etcd_bin=etcd_binaries("3.5"), etcd_cache=etcd_cache)
    _come_true(page, home, env)


@pytest.mark.hosts
@pytest.mark.parametrize("page", ON_HOSTS, ids=name_of)
def test_a_shown_session_on_hosts_comes_true(
    page: Path,
    can_run_hosts: None,
    home: Path,
    etcd_binaries: Callable[[str], Path],
    etcd_cache: Path,
) -> None:
    """So do the sessions with real hosts, which are taken down whatever the page does."""
    env = session_env(home, etcd_bin=etcd_binaries("3.5"), etcd_cache=etcd_cache)
    env["REQUORUM_HOST_IMAGES"] = str(Settings.from_environment().host_images)
    try:
        _come_true(page, home, env)
    finally:
        take_down(home / "requorum-hosts")


def _come_true(page: Path, home: Path, env: Mapping[str, str]) -> None:
    for block in blocks(page):
        if block.exit_code is not None:
            printed = run_block(block, home, env)
            assert not differences(block, printed, home), "\n".join(
                differences(block, printed, home)
            )
