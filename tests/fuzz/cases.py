"""Damaged copies of real files, each known by a seed and a number, for good."""

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import resealed
from mutations import mutate

_KINDS = ("db", "snapshot", "wal", "snap", "datadir db")
_KIND_WEIGHTS = (40, 12, 30, 12, 6)
_SEALED_SHARE = 0.3
_FULL_SEGMENT = 64_000_000
_FULL_SEGMENT_SHARE = 0.01

Damage = Callable[[bytes, random.Random, bytes], tuple[bytes, str]]
_RESEAL: dict[str, Damage] = {
    "db": resealed.reseal_db,
    "datadir db": resealed.reseal_db,
    "snapshot": resealed.reseal_snapshot,
    "wal": resealed.reseal_wal,
    "snap": resealed.reseal_snap,
}


@dataclass(frozen=True)
class Case:
    """A damaged file at `path`; `data_dir` where it lies within one. `what` was done to it.

    `pristine` is what it was made from.
    """

    number: int
    minor: str
    kind: str
    path: Path
    pristine: Path
    data_dir: Path | None
    what: str


def make_case(files: Path, minors: list[str], seed: int, number: int, room: Path) -> Case:
    """Write case `number` into the empty directory `room`; minors take turns."""
    rng = random.Random(f"{seed}:{number}")
    minor = minors[number % len(minors)]
    kind = rng.choices(_KINDS, _KIND_WEIGHTS)[0]
    alone = kind in ("db", "snapshot")
    damage = _damage_file if alone else _damage_data_dir
    chosen = rng.choice(sorted((files / minor / (kind if alone else "datadir")).iterdir()))
    path, what = damage(kind, chosen, rng, room)
    return Case(number, minor, kind, path, chosen, None if alone else room, what)


def _damage_file(kind: str, chosen: Path, rng: random.Random, room: Path) -> tuple[Path, str]:
    data, what = _damaged(kind, chosen, rng.choice(_beside(chosen)), rng)
    (room / "file").write_bytes(data)
    return room / "file", f"{chosen.name}: {what}"


def _damage_data_dir(kind: str, chosen: Path, rng: random.Random, room: Path) -> tuple[Path, str]:
    shutil.copytree(chosen, room, dirs_exist_ok=True)
    folder, pattern = {"wal": ("wal", "*.wal"), "snap": ("snap", "*.snap")}.get(
        kind, ("snap", "db")
    )
    path = rng.choice(sorted((room / "member" / folder).glob(pattern)))
    if kind == "wal" and rng.random() < 0.05:
        what = _damage_names(path, rng)
    else:
        data, what = _damaged(kind, path, rng.choice(_beside(chosen)), rng)
        if kind == "wal" and rng.random() < _FULL_SEGMENT_SHARE:
            data = data.ljust(_FULL_SEGMENT, b"\0")
        path.write_bytes(data)
    return path, f"{chosen.name}/{path.name}: {what}"


def _damaged(kind: str, path: Path, donor: Path, rng: random.Random) -> tuple[bytes, str]:
    data, other = path.read_bytes(), _content(donor)
    if rng.random() < _SEALED_SHARE:
        # What is sealed must be of the same kind: its structure is read and written again.
        return _RESEAL[kind](data, rng, data if kind == "snap" else other)
    return mutate(data, rng, other)


def _damage_names(segment: Path, rng: random.Random) -> str:
    """Remove, rename or double a segment, or put something else in its place."""
    sibling = rng.choice(sorted(segment.parent.iterdir()))
    match rng.randrange(6):
        case 0:
            segment.unlink()
            return "removed"
        case 1:
            name = f"{rng.randrange(1 << 16):016x}-{rng.randrange(1 << 16):016x}.wal"
            segment.rename(segment.with_name(name))
            return f"renamed to {name}"
        case 2:
            segment.unlink()
            segment.mkdir()
            return "a directory stands in its place"
        case 3:
            segment.unlink()
            segment.write_bytes(b"")
            return "emptied"
        case 4:
            segment.unlink()
            segment.symlink_to(segment)
            return "a link to itself stands in its place"
        case _:
            content = sibling.read_bytes()
            segment.unlink()
            segment.write_bytes(content)
            return f"replaced by {sibling.name}"


@lru_cache(maxsize=64)
def _content(path: Path) -> bytes:
    return path.read_bytes()


@lru_cache(maxsize=64)
def _beside(chosen: Path) -> list[Path]:
    """Return all files of the same minor."""
    return sorted(path for path in chosen.parent.parent.rglob("*") if path.is_file())
