"""Which directories are mount points: a rename of one fails, bind mounts included."""

import re

_OCTAL = re.compile(r"\\([0-7]{3})")


def mount_points(mountinfo: str) -> frozenset[str]:
    """Return the paths that /proc/self/mountinfo lists. Source: proc(5)."""
    rows = (line.split(" ") for line in mountinfo.splitlines())
    return frozenset(_unescape(row[4]) for row in rows if len(row) > 4)


def _unescape(field: str) -> str:
    """Blanks, tabs, newlines and backslashes stand there as three octal digits."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), field)
