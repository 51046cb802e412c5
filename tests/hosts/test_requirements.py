"""What lacks on this machine is named with what installs it, and nothing is begun."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from requorum.errors import Refused
from requorum.lab.hosts import requirements
from requorum.lab.hosts.requirements import PACKAGE_OF, demand_parts, lacking

pytestmark = pytest.mark.processes


def test_missing_programs_are_named_with_their_packages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With nothing on the search path, the hint is the whole apt-get line."""
    monkeypatch.setattr(requirements, "SEARCH_PATH", str(tmp_path))
    found = lacking()
    assert set(found.packages) == set(PACKAGE_OF.values())
    assert "there is no systemd-nspawn" in str(found)
    with pytest.raises(Refused) as refused:
        demand_parts()
    assert refused.value.hint == f"Install it: apt-get install {' '.join(found.packages)}"


def test_nobody_but_root(tmp_path: Path) -> None:
    """As another user, `up` ends with 3 and says so; nothing is made."""
    if os.geteuid() != 0:
        argv: list[str] = []
    else:
        argv = ["setpriv", "--reuid", "65534", "--clear-groups"]
    command = [sys.executable, "-m", "requorum", "lab", "hosts", "up", "--directory"]
    done = subprocess.run(
        [*argv, *command, str(tmp_path / "hosts")],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if "No module named" in done.stderr or "Permission denied" in done.stderr:
        pytest.skip("another user cannot read this Python: the refusal cannot be seen here")
    assert done.returncode == 3, done.stderr
    assert "it must be run as root" in done.stderr
    assert not (tmp_path / "hosts").exists()
