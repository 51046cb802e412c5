"""Way: the archive that the etcd project releases, its checksum verified."""

import hashlib
import platform
import tarfile
import time
import urllib.request
from pathlib import Path
from urllib.error import URLError

from requorum.domain.version import EtcdVersion
from requorum.errors import DamagedInput, DeadlineExceeded, ToolUnfit, Unreachable
from requorum.lab.obtain.wanted import TOOLS, Progress, Wanted

_RELEASES = "https://github.com/etcd-io/etcd/releases/download"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64le", "s390x": "s390x"}
_CONNECT_SECONDS = 5
_DOWNLOAD_SECONDS = 300
_CHUNK = 1 << 20


def from_release(wanted: Wanted, work: Path, progress: Progress) -> Path:
    """Download, verify and unpack the release; return the directory of the binaries."""
    version, archive = _archive_name(wanted)
    base = f"{_RELEASES}/v{version}"
    digest = checksum_in(_get(f"{base}/SHA256SUMS").decode("ascii", "replace"), archive)
    progress(f"etcd {version}: downloading the official release")
    data = _get(f"{base}/{archive}")
    if hashlib.sha256(data).hexdigest() != digest:
        raise DamagedInput(f"{archive} is not what SHA256SUMS says")
    (work / archive).write_bytes(data)
    return unpack(work / archive, work / "release")


def _archive_name(wanted: Wanted) -> tuple[EtcdVersion, str]:
    version = wanted.release
    if version is None:
        raise ToolUnfit(f"no current release of {wanted} is known here")
    architecture = _ARCHITECTURES.get(platform.machine())
    if architecture is None or platform.system() != "Linux":
        raise ToolUnfit(f"no release for {platform.system()} on {platform.machine()}")
    return version, f"etcd-v{version}-linux-{architecture}.tar.gz"


def checksum_in(sums: str, archive: str) -> str:
    """Return the SHA-256 (hex) that a SHA256SUMS file states for `archive`."""
    for line in sums.splitlines():
        digest, _, name = line.partition(" ")
        if name.strip().lstrip("*") == archive:
            return digest
    raise ToolUnfit(f"SHA256SUMS does not name {archive}")


def unpack(archive: Path, target: Path) -> Path:
    """Take etcd's binaries, and nothing else, out of a release archive."""
    target.mkdir()
    with tarfile.open(archive) as tar:
        for entry in tar:
            name = Path(entry.name).name
            content = tar.extractfile(entry) if name in TOOLS and entry.isfile() else None
            if content is not None:
                (target / name).write_bytes(content.read())
                (target / name).chmod(0o755)
    return target


def _get(url: str) -> bytes:
    """Read `url` to its end. The socket's deadline is short, the whole download's is not."""
    give_up = time.monotonic() + _DOWNLOAD_SECONDS
    parts: list[bytes] = []
    try:
        # S310 asks whether the scheme is ours: it is the constant above.
        with urllib.request.urlopen(url, timeout=_CONNECT_SECONDS) as answer:  # noqa: S310
            while chunk := answer.read(_CHUNK):
                parts.append(chunk)
                if time.monotonic() > give_up:
                    raise DeadlineExceeded(f"{url} took longer than {_DOWNLOAD_SECONDS} s")
    except URLError as error:
        raise Unreachable(f"the release site: {error.reason}") from error
    except OSError as error:
        raise Unreachable(f"the release site: {error}") from error
    return b"".join(parts)
