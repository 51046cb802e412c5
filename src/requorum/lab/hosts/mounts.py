"""What is mounted where, as /proc/self/mountinfo tells."""

import re
from dataclasses import dataclass
from pathlib import Path

from requorum.lab.hosts.system import call

_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One mounted file system. `super_options` as the kernel prints them, with commas."""

    target: str
    filesystem: str
    super_options: str


def mounts() -> tuple[Mount, ...]:
    """Return every mount, in the order in which they were made."""
    text = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    return tuple(_parse(line) for line in text.splitlines())


def _parse(line: str) -> Mount:
    """Read one line. Source: proc(5), mountinfo."""
    before, _, after = line.partition(" - ")
    filesystem, _, super_options = after.split(" ")[:3]
    return Mount(_unescape(before.split(" ")[4]), filesystem, super_options)


def _unescape(field: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), field)


def mounted_below(directory: Path) -> tuple[str, ...]:
    """Return the mount points at and below `directory`, the last mounted first."""
    at = str(directory)
    below = [m.target for m in mounts() if m.target == at or m.target.startswith(f"{at}/")]
    return tuple(reversed(below))


def mount_overlay(*, lower: Path, upper: Path, work: Path, target: Path) -> None:
    """Mount an overlay that is written to in `upper`."""
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    call("mount", "-t", "overlay", "requorum-host", "-o", options, str(target))


def mount_image(image: Path, target: Path, *, mib: int) -> None:
    """Mount the file `image` as a disk; it is made, with an ext4 of that size, where it lacks."""
    if not image.exists():
        aside = image.with_name(f".{image.name}")
        with aside.open("wb") as file:
            file.truncate(mib << 20)
        call("mkfs.ext4", "-q", "-m", "0", str(aside))
        aside.rename(image)
    call("mount", "-o", "loop", str(image), str(target))


def unmount_below(directory: Path) -> None:
    """Unmount whatever is mounted at and below `directory`."""
    for target in mounted_below(directory):
        call("umount", target)
