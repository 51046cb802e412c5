"""A release of etcd, and in what the ways differ in which releases start.

Source: the tags v3.4.0 to v3.7.1 of etcd, and the bbolt that each of them was built with.
"""

import re
from dataclasses import dataclass
from typing import Self

from requorum.errors import UsageError

_TEXT = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")
_NEWEST = 1 << 16


@dataclass(frozen=True, slots=True)
class Release:
    """A minor, as (3, 5), and its patch; None stands for the newest one that we know."""

    minor: tuple[int, int]
    patch: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the release that "3.5" or "3.5.16" names; UsageError for any other text."""
        found = _TEXT.fullmatch(text.strip())
        release = None
        if found is not None:
            patch = None if found[3] is None else int(found[3])
            release = cls((int(found[1]), int(found[2])), patch)
        if release is None or not FIRST.minor <= release.minor <= LAST.minor:
            raise UsageError(
                f"{text} is no version of etcd that is known here",
                hint=f"Name a minor or a full version from {FIRST} to {LAST}.",
            )
        return release

    def is_at_least(self, major: int, minor: int, patch: int = 0) -> bool:
        """Return whether it is that release or a later one."""
        own = _NEWEST if self.patch is None else self.patch
        return (*self.minor, own) >= (major, minor, patch)

    @property
    def record_bytes_max(self) -> int | None:
        """Return the size from which on a log record is refused; None: only the file bounds it."""
        return None if self.is_at_least(3, 5, 5) else 10 * 1024 * 1024

    @property
    def mends_long_records(self) -> bool:
        """Return whether a record that reaches beyond the file is taken for a torn write."""
        return self.is_at_least(3, 5, 7)

    @property
    def decodes_with_protobuf_go(self) -> bool:
        """Return whether it decodes with google.golang.org/protobuf instead of gogo/protobuf."""
        return self.minor >= (3, 7)

    @property
    def checks_key_order(self) -> bool:
        """Return whether its bbolt (1.3.7 and later) compares keys and page ids when it opens."""
        if self.minor == (3, 4):
            return self.is_at_least(3, 4, 24)
        return self.is_at_least(3, 5, 8)

    @property
    def loads_snap_files(self) -> bool:
        """Return whether it starts from .snap files; later ones from the log and the database."""
        return self.minor <= (3, 6)

    @property
    def members_from_database(self) -> bool:
        """Return whether members and cluster version come from the database, not the v2 store."""
        return self.minor >= (3, 6)

    @property
    def refuses_v2(self) -> bool:
        """Return whether it starts without v2 content only."""
        return self.minor >= (3, 6)

    @property
    def decodes_v2_requests(self) -> bool:
        """Return whether it can read entries of the v2 API, its own predecessors' among them."""
        return self.minor <= (3, 6)

    def __str__(self) -> str:
        name = f"{self.minor[0]}.{self.minor[1]}"
        return name if self.patch is None else f"{name}.{self.patch}"


FIRST = Release((3, 4))
LAST = Release((3, 7))
MINORS = tuple(Release((3, minor)) for minor in range(FIRST.minor[1], LAST.minor[1] + 1))
"""The newest release of each minor that we know."""
