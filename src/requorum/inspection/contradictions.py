"""Where the cluster file and what a member really runs with say different things.

A procedure acts on what the cluster file says, the member starts with what its unit says: where
the two differ, the one would change what the other never reads.
"""

from dataclasses import dataclass
from posixpath import normpath

from requorum.domain.cluster import MemberSpec
from requorum.domain.member_settings import MemberSettings


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One field of the cluster file, its value there, and the member's own and where it is written.

    None for what is not set. `place` is "etcd's default" where nothing says it.
    """

    field: str
    said: str | None
    real: str | None
    place: str

    def __str__(self) -> str:
        said = f"says {self.field}: {self.said}" if self.said else f"names no {self.field}"
        real = f"runs with {self.real}" if self.real else "runs without one"
        return f"the cluster file {said}, the member {real} ({self.place})"


def contradictions(spec: MemberSpec, settings: MemberSettings) -> tuple[Contradiction, ...]:
    """Return them, of what a procedure acts on: name, directories and peer URL.

    Paths are compared as texts: follow links on both sides before. etcd may advertise several peer
    URLs; the cluster file names one of them.
    """
    found = [
        _unless_equal("name", spec.name, settings.name, settings),
        _unless_equal("data_dir", _path(spec.data_dir), _path(settings.data_dir), settings),
        _unless_equal("wal_dir", _path(spec.wal_dir), _path(settings.wal_dir), settings),
    ]
    urls = settings.advertise_peer_urls
    if spec.peer_url.rstrip("/") not in {url.rstrip("/") for url in urls}:
        found.append(Contradiction("peer_url", spec.peer_url, ",".join(urls), _place(
            settings, "initial-advertise-peer-urls")))  # fmt: skip  # one value and its place
    return tuple(each for each in found if each is not None)


def _path(path: str | None) -> str | None:
    return None if path is None else normpath(path)


def _unless_equal(
    field: str, said: str | None, real: str | None, settings: MemberSettings
) -> Contradiction | None:
    if said == real:
        return None
    return Contradiction(field, said, real, _place(settings, field.replace("_", "-")))


def _place(settings: MemberSettings, flag: str) -> str:
    place = settings.place(flag)
    return str(place) if place else "etcd's default"
