"""What is asked for, and what came of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from requorum.domain.version import EtcdVersion
from requorum.errors import UsageError

Progress = Callable[[str], None]
"""Called with one line at a time; lines carry no colour and no trailing newline."""

CURRENT: Mapping[tuple[int, int], EtcdVersion] = {
    (3, 4): EtcdVersion(3, 4, 37),
    (3, 5): EtcdVersion(3, 5, 33),
    (3, 6): EtcdVersion(3, 6, 14),
    (3, 7): EtcdVersion(3, 7, 1),
}
"""The patch release that a bare minor stands for, where a way can choose."""

TOOLS = ("etcd", "etcdctl", "etcdutl")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A minor ("3.5": any of its patch releases) or one release ("3.5.1")."""

    minor_series: tuple[int, int]
    patch: int | None

    @classmethod
    def parse(cls, text: str) -> "Wanted":
        """Read "3.5" or "3.5.1"; UsageError for anything else."""
        parts = text.removeprefix("v").split(".")
        if len(parts) not in {2, 3} or not all(part.isdecimal() for part in parts):
            raise UsageError(
                f"{text!r} is not a version of etcd",
                hint="Give a minor such as 3.5, or a release such as 3.5.1.",
            )
        numbers = [int(part) for part in parts]
        return cls((numbers[0], numbers[1]), numbers[2] if len(numbers) == 3 else None)

    @property
    def release(self) -> EtcdVersion | None:
        """Return the one release to ask for by name; None for a minor that we have no row for."""
        if self.patch is None:
            return CURRENT.get(self.minor_series)
        return EtcdVersion(*self.minor_series, self.patch)

    def fits(self, version: EtcdVersion) -> bool:
        """Return whether that release is what was asked for."""
        if self.patch is not None:
            return version == self.release
        return version.minor_series == self.minor_series

    def __str__(self) -> str:
        minor = ".".join(map(str, self.minor_series))
        return minor if self.patch is None else f"{minor}.{self.patch}"


def knows_divergence(version: EtcdVersion) -> bool:
    """Return whether it can apply an entry twice after a crash, so that members diverge.

    Source: etcd 3.5.3's release notes (etcd issue 13766): 3.5.0 to 3.5.2. Such a release is run
    only when it is asked for by its full name, or when nothing else of its minor can be had.
    """
    return EtcdVersion(3, 5, 0) <= version < EtcdVersion(3, 5, 3)


def tools_of(version: EtcdVersion) -> tuple[str, ...]:
    """Return the programs that this release must come with; 3.4 has no etcdutl."""
    return TOOLS if version.restores_with_etcdutl else TOOLS[:2]


@dataclass(frozen=True, slots=True)
class Obtained:
    """A directory with `etcd`, `etcdctl` and (3.5 on) `etcdutl`, and the way they came."""

    version: EtcdVersion
    directory: Path
    way: str


@dataclass(frozen=True, slots=True)
class NotHad:
    """No way led to it; each way with its reason, in the order they were tried."""

    wanted: str
    reasons: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"etcd {self.wanted} could not be had: " + "; ".join(
            f"{way}: {reason}" for way, reason in self.reasons
        )
