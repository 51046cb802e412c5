"""Way: the machine's own etcd, used where it lies."""

import shutil
from pathlib import Path

from requorum.errors import ToolUnfit
from requorum.lab.obtain.command import etcd_version
from requorum.lab.obtain.wanted import Obtained, Wanted, tools_of


def from_search_path(wanted: Wanted, path: str | None = None) -> Obtained:
    """Return the directory on PATH that holds etcd and its tools, all of the release wanted.

    They are not copied: an upgrade of the machine's etcd must not leave an old one in our cache.
    """
    found = shutil.which("etcd", path=path)
    if found is None:
        raise ToolUnfit("no etcd on PATH")
    directory = Path(found).parent
    version = etcd_version(Path(found))
    if not wanted.fits(version):
        raise ToolUnfit(f"{found} is {version}")
    for tool in tools_of(version)[1:]:
        _check_tool(directory / tool, version.minor_series)
    return Obtained(version, directory, "PATH")


def _check_tool(tool: Path, minor_series: tuple[int, int]) -> None:
    if not tool.exists():
        raise ToolUnfit(f"{tool} is missing")
    version = etcd_version(tool)
    if version.minor_series != minor_series:
        raise ToolUnfit(f"{tool} is {version}")
