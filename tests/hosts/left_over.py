"""What hosts could leave behind on this machine: everything that a lab makes outside of files."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from requorum.lab.hosts.claim import CLAIMS, claimed_by
from requorum.lab.hosts.description import HostLab


@dataclass(frozen=True)
class LeftOver:
    """Everything that is there and belongs to one lab."""

    mounts: tuple[str, ...]
    processes: tuple[str, ...]
    namespaces: tuple[str, ...]
    links: tuple[str, ...]
    cgroups: tuple[str, ...]
    loops: tuple[str, ...]
    claim: int | None

    @classmethod
    def of(cls, lab: HostLab) -> "LeftOver":
        """Look for it by the means of the system itself."""
        at = str(lab.directory)
        mountinfo = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
        return cls(
            mounts=tuple(line for line in mountinfo.splitlines() if f" {at}/" in line),
            processes=processes_below(lab.directory),
            namespaces=_lines("ip", "netns", containing=f"{lab.switch}"),
            links=_lines("ip", "-brief", "link", containing=f"{lab.cable}@"),
            cgroups=_lines("find", "/sys/fs/cgroup", "-type", "d", containing=f"/{lab.switch}-"),
            loops=_lines("losetup", "--all", containing=at),
            claim=claimed_by(lab.directory, CLAIMS),
        )

    @property
    def nothing(self) -> bool:
        """Return whether nothing is left."""
        found = (self.mounts, self.processes, self.namespaces, self.links, self.cgroups, self.loops)
        return not any(found) and self.claim is None


def processes_below(directory: Path) -> tuple[str, ...]:
    """Return every process whose arguments or root directory lie below a directory."""
    at, found = str(directory), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                root = str((entry / "root").readlink())
            except OSError:
                continue  # it ended while we looked
            if f"{at}/" in command or root.startswith(f"{at}/"):
                found.append(f"{entry.name}: {command}")
    return tuple(found)


def _lines(*argv: str, containing: str) -> tuple[str, ...]:
    shown = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=30).stdout
    return tuple(line for line in shown.splitlines() if containing in line)
