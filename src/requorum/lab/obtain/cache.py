"""The directory that holds etcd's binaries: `<cache>/<version>/{etcd,etcdctl,etcdutl}`."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from requorum.domain.version import EtcdVersion
from requorum.errors import ToolUnfit
from requorum.lab.obtain.command import etcd_version
from requorum.lab.obtain.wanted import Obtained, Wanted, knows_divergence, tools_of


def default_cache(environ: Mapping[str, str]) -> Path:
    """Return where this user's binaries are kept: $REQUORUM_ETCD_CACHE, or below the XDG cache."""
    if chosen := environ.get("REQUORUM_ETCD_CACHE"):
        return Path(chosen)
    base = environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return Path(base) / "requorum" / "etcd"


class BinaryCache:
    """The binaries that are here already. Directories appear whole: written aside, then renamed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def find(self, wanted: Wanted, *, accept_divergence: bool = False) -> Obtained | None:
        """Return the newest that fits, None where there is none.

        For a bare minor, releases that are known to diverge count only on demand.
        """
        fitting = [
            version
            for version in self._versions()
            if wanted.fits(version)
            and (wanted.patch is not None or accept_divergence or not knows_divergence(version))
        ]
        if not fitting:
            return None
        newest = max(fitting)
        return Obtained(newest, self.directory / str(newest), "cache")

    def _versions(self) -> Iterator[EtcdVersion]:
        if not self.directory.is_dir():
            return
        for entry in self.directory.iterdir():
            version = EtcdVersion.parse(entry.name)
            if version is not None and str(version) == entry.name and _whole(entry, version):
                yield version

    @contextmanager
    def workshop(self) -> Iterator[Path]:
        """Give a temporary directory on the cache's own disk; it is removed afterwards."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".work-", dir=self.directory) as work:
            yield Path(work)

    def keep(self, binaries: Path, wanted: Wanted, way: str) -> Obtained:
        """Move the binaries in `binaries`, which lies in a workshop, to their place.

        ToolUnfit when they do not run here, are not what was asked for, or are incomplete.
        """
        version = etcd_version(binaries / "etcd")
        if not wanted.fits(version):
            raise ToolUnfit(f"it has {version}")
        shelf = binaries.parent / f"shelf-{version}"
        shelf.mkdir()
        for tool in tools_of(version):
            if not (binaries / tool).is_file():
                raise ToolUnfit(f"it has no {tool}")
            (binaries / tool).rename(shelf / tool)
            (shelf / tool).chmod(0o755)
        self._put(shelf, self.directory / str(version), version)
        return Obtained(version, self.directory / str(version), way)

    @staticmethod
    def _put(shelf: Path, place: Path, version: EtcdVersion) -> None:
        try:
            shelf.rename(place)
        except OSError:
            # Another process was faster (its directory serves us too), or an incomplete
            # directory of someone's making is in the way.
            if not _whole(place, version):
                raise


def _whole(directory: Path, version: EtcdVersion) -> bool:
    return all(os.access(directory / tool, os.X_OK) for tool in tools_of(version))


def copy_tool(source: Path, target: Path) -> None:
    """Copy one binary, executable for all."""
    shutil.copyfile(source, target)
    target.chmod(0o755)
