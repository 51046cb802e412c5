"""Where damages put what they take away: outside of all that a recovery looks at."""

from pathlib import Path
from typing import Protocol


class Disks(Protocol):
    """Where the members of a lab have their data, and where a damage may put what it takes."""

    def data_dir(self, name: str) -> Path:
        """Return the member's data directory, as a path on this machine."""
        ...

    @property
    def graveyard(self) -> Path:
        """Return a directory on the same file system."""
        ...


def bury(lab: Disks, name: str, path: Path) -> Path:
    """Move `path` of member `name` into a grave of its own; return where it lies now."""
    grave = dig(lab, name) / path.name
    path.rename(grave)
    return grave


def dig(lab: Disks, name: str) -> Path:
    """Make the next empty grave of that member."""
    lab.graveyard.mkdir(exist_ok=True)
    number = 1
    while True:
        grave = lab.graveyard / f"{name}-{number}"
        try:
            grave.mkdir()
        except FileExistsError:
            number += 1
        else:
            return grave
