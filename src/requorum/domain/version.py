"""etcd's versions, and what each of them can do."""

import re
from dataclasses import dataclass
from typing import Self

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True, order=True)
class EtcdVersion:
    """A release of etcd. `patch` is 0 where only the minor is known (`clusterVersion`)."""

    major: int
    minor: int
    patch: int = 0

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the first version found in `text` ("etcd Version: 3.5.16"), or None."""
        found = _VERSION.search(text)
        if found is None:
            return None
        major, minor, patch = found.groups(default="0")
        return cls(int(major), int(minor), int(patch))

    @property
    def minor_series(self) -> tuple[int, int]:
        """Return (major, minor): data directories are exchangeable only within it."""
        return (self.major, self.minor)

    @property
    def restores_with_etcdutl(self) -> bool:
        """Return whether `snapshot restore` lives in etcdutl (3.5 on); 3.4 has it in etcdctl."""
        return self.minor_series >= (3, 5)

    @property
    def can_bump_revision(self) -> bool:
        """Return whether `snapshot restore` knows --bump-revision and --mark-compacted.

        Source: CHANGELOG-3.4 (3.4.27), CHANGELOG-3.5 (3.5.10), 3.6.0.
        """
        if self.minor_series == (3, 4):
            return self.patch >= 27
        if self.minor_series == (3, 5):
            return self.patch >= 10
        return self.minor_series >= (3, 6)

    @property
    def adds_while_one_is_down(self) -> bool:
        """Return whether a member can be added while a voter is not connected to its peers.

        Source: CHANGELOG-3.5 (3.5.30), CHANGELOG-3.6 (3.6.11).
        """
        if self.minor_series == (3, 5):
            return self.patch >= 30
        if self.minor_series == (3, 6):
            return self.patch >= 11
        return self.minor_series >= (3, 7)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"
