"""Sites by version, each taken down, member by member, after the tests that use it."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from practice_site import Flags, Site, new_site, no_flags

from requorum.lab.layout import TlsFiles


class Sites:
    """Makes sites of a version, and kills their members in the end."""

    def __init__(
        self, folder: Path, binaries: Callable[[str], Path], cache: Path, stack: ExitStack
    ) -> None:
        self._folder = folder
        self._binaries = binaries
        self._cache = cache
        self._stack = stack
        self._count = 0

    def new(
        self,
        version: str,
        *,
        members: int = 3,
        tls: TlsFiles | None = None,
        flags: Flags = no_flags,
        folder: Path | None = None,
    ) -> Site:
        """Return a cluster of that version that serves, below `folder`."""
        site = self.describe(version, members=members, tls=tls, flags=flags, folder=folder)
        self._stack.callback(site.kill_all)
        site.supervise("start")
        site.await_ready()
        return site

    def describe(
        self,
        version: str,
        *,
        members: int = 3,
        tls: TlsFiles | None = None,
        flags: Flags = no_flags,
        folder: Path | None = None,
    ) -> Site:
        """Return a cluster of that version of which nothing runs."""
        self._count += 1
        directory = (folder or self._folder) / f"site{self._count}"
        return new_site(
            directory,
            bin_dir=self._binaries(version),
            etcd_cache=self._cache,
            members=members,
            tls=tls,
            flags=flags,
        )

    def crashed(self, version: str, *damages: str, writes: int = 1500) -> Site:
        """Return a cluster that was killed while it was written to, then damaged, then kept."""
        site = self.new(version)
        site.load(writes, then=site.kill_all)
        site.damage(*damages)
        site.keep()
        return site
