"""The base image is made by one at a time, whole or not at all, and leaves nothing when killed."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from left_over import processes_below

from requorum.errors import Locked, ToolUnfit
from requorum.lab.hosts import base_image as image

MAKE = "import sys, pathlib; from requorum.lab.hosts.base_image import base_image; "
MAKE += "base_image(pathlib.Path(sys.argv[1]), print)"
SECONDS = 120


def test_one_image_is_made_by_one(tmp_path: Path) -> None:
    """While somebody makes the base image, the next one is told to wait."""
    with image._alone(tmp_path), pytest.raises(Locked, match="somebody else"):
        image.base_image(tmp_path, print)


def test_a_failed_image_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """When debootstrap fails there is no image, only its reason; what a killed one left goes."""
    (tmp_path / ".work-killed/root/etc").mkdir(parents=True)

    def fail(root: Path) -> None:
        (root / "half").touch()
        raise ToolUnfit("debootstrap failed: no mirror")

    monkeypatch.setattr(image, "_debootstrap", fail)
    with pytest.raises(ToolUnfit, match="no mirror"):
        image.base_image(tmp_path, print)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def wait_for_debootstrap(cache: Path, *, by: str) -> None:
    """Wait until it has unpacked the first packages, with /proc mounted for them."""
    give_up = time.monotonic() + SECONDS
    while not any(cache.glob(f"{by}/root/proc/self")) and not any(
        cache.glob(f"{by}/root/var/lib/dpkg/status")
    ):
        assert time.monotonic() < give_up, "debootstrap did not get there"
        time.sleep(0.05)


@pytest.mark.hosts
@pytest.mark.slow
def test_a_killed_image_leaves_no_process_and_no_mount(can_run_hosts: None, tmp_path: Path) -> None:
    """SIGKILL in the middle ends debootstrap too; the next one removes what is left, and begins."""
    making = subprocess.Popen([sys.executable, "-c", MAKE, str(tmp_path)])
    wait_for_debootstrap(tmp_path, by=".work-*")
    left = next(tmp_path.glob(".work-*"))
    making.kill()
    making.wait(timeout=10)
    give_up = time.monotonic() + SECONDS
    while processes_below(tmp_path):
        assert time.monotonic() < give_up, processes_below(tmp_path)
        time.sleep(0.05)
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text(encoding="utf-8")

    again = subprocess.Popen([sys.executable, "-c", MAKE, str(tmp_path)])
    while left.exists():
        assert again.poll() is None
        assert time.monotonic() < give_up, f"{left} is still there"
        time.sleep(0.05)
    again.kill()
    again.wait(timeout=10)
