"""Real etcd processes on loopback."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

_MINORS = ("3.4", "3.5", "3.6", "3.7")
_DIVERGING = frozenset({"3.5.0", "3.5.1", "3.5.2"})


def _newest(minor: str) -> str:
    """Return the newest release of a minor in the cache; the bare minor where it has none."""
    cache = Path(os.environ.get("REQUORUM_ETCD_CACHE") or "/nowhere")
    found = (p.name for p in cache.glob(f"{minor}.*") if (p / "etcd").is_file())
    fitting = [name for name in found if name not in _DIVERGING]
    return max(fitting, key=lambda name: tuple(map(int, name.split("."))), default=minor)


RELEASES = tuple(_newest(minor) for minor in _MINORS)
_START_SECONDS = 30.0


@dataclass(frozen=True)
class RunningEtcd:
    """One etcd process that serves."""

    release: str
    bin_dir: Path
    url: str
    peer_url: str
    data_dir: Path
    process: "subprocess.Popen[bytes]"

    @property
    def minor(self) -> tuple[int, int]:
        """Return (major, minor)."""
        major, minor = self.release.split(".")[:2]
        return int(major), int(minor)

    def etcdctl(self, *arguments: str) -> str:
        """Run etcdctl against it and return what it printed."""
        command = [f"{self.bin_dir}/etcdctl", f"--endpoints={self.url}", *arguments]
        env = {**os.environ, "ETCDCTL_API": "3"} if self.minor == (3, 4) else None
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=30, check=True
        )
        return done.stdout

    def kill(self) -> None:
        """End it as a crash would."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


StartEtcd = Callable[..., RunningEtcd]


def release_dir(release: str) -> Path:
    """Return the directory of one release's binaries; fail when there is none."""
    cache = os.environ.get("REQUORUM_ETCD_CACHE")
    if not cache:
        pytest.fail("REQUORUM_ETCD_CACHE must name a directory with VERSION/etcd in it")
    if release in os.environ.get("REQUORUM_ETCD_MISSING", "").split(","):
        pytest.skip(f"etcd {release} could not be had on this machine")
    directory = Path(cache) / release
    if not (directory / "etcd").exists():
        pytest.fail(f"REQUORUM_ETCD_CACHE has no {release}/etcd")
    return directory


def start(release: str, folder: Path, flags: tuple[str, ...], scheme: str) -> RunningEtcd:
    """Start one member, its data in `folder`, and wait until it is healthy."""
    bin_dir = release_dir(release)
    client, peer, metrics = _free_ports(3)
    url, peer_url = f"{scheme}://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
    metrics_url = f"http://127.0.0.1:{metrics}"
    command = (
        f"{bin_dir}/etcd",
        "--name=m1",
        f"--data-dir={folder}/data",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peer_url}",
        f"--initial-advertise-peer-urls={peer_url}",
        f"--initial-cluster=m1={peer_url}",
        f"--listen-metrics-urls={metrics_url}",
        *flags,
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    etcd = RunningEtcd(release, bin_dir, url, peer_url, folder / "data", process)
    try:
        _wait_until_healthy(f"{metrics_url}/health", process, folder / "log")
    except BaseException:
        etcd.kill()
        raise
    return etcd


def _wait_until_healthy(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if _is_healthy(url):
            return
        time.sleep(0.05)
    pytest.fail(f"etcd did not start: {log.read_text()[-2000:]}")


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own http URL
            return b'"true"' in answer.read()
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except OSError:
        return False


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
