"""Where damages put what they take away: outside of all that a recovery looks at."""

from pathlib import Path

from requorum.lab.layout import Lab


def bury(lab: Lab, name: str, path: Path) -> Path:
    """Move `path` of member `name` into a grave of its own; return where it lies now."""
    grave = dig(lab, name) / path.name
    path.rename(grave)
    return grave


def dig(lab: Lab, name: str) -> Path:
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
