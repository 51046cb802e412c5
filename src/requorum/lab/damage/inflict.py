"""Inflict one damage on one member that does not run."""

import random
from pathlib import Path

from requorum.errors import Refused
from requorum.lab.damage import db, wal
from requorum.lab.damage.copies import put_copy_back
from requorum.lab.damage.foreign import put_foreign_directory
from requorum.lab.damage.graveyard import Disks, bury
from requorum.lab.damage.kinds import DamageKind
from requorum.lab.layout import Lab
from requorum.lab.practice import Connect, member_pid


async def inflict(
    kind: DamageKind, lab: Lab, name: str, rng: random.Random, *, connect: Connect
) -> str:
    """Do it, and return what was done to which file, in one line.

    The same `rng` state and the same files give the same damage. Refused, with nothing changed,
    while the member runs, or where it has nothing of that kind to be damaged.
    """
    _refuse_running(lab, name)
    match kind:
        case DamageKind.WRONG_CLUSTER:
            return await put_foreign_directory(lab, name, rng, connect)
        case DamageKind.STALE_COPY:
            return put_copy_back(lab, name)
        case _:
            return damage_files(kind, lab, name, rng)


def damage_files(kind: DamageKind, lab: Disks, name: str, rng: random.Random) -> str:
    """Inflict a damage of those that need nothing but the member's own files, as `inflict` does.

    Nobody may be writing to them.
    """
    data_dir = lab.data_dir(name)
    member = data_dir / "member"
    if not member.is_dir():
        raise Refused(f"{name} has no data to be damaged")
    if kind is DamageKind.LOST_DISK:
        return f"{data_dir}: gone, to {bury(lab, name, data_dir)}"
    if kind is DamageKind.SNAP_MISSING:
        return _take_away(lab, name, _newest_snap(member / "snap"))
    if kind is DamageKind.WAL_SEGMENT_MISSING:
        return _take_away(lab, name, rng.choice(wal.segments(member / "wal")))
    if kind is DamageKind.WAL_RECORD_FLIPPED:
        return wal.flip_record(member / "wal", rng)
    if kind is DamageKind.WAL_TORN_TAIL:
        return wal.tear_tail(member / "wal", rng)
    return _damage_db(kind, member / "snap" / "db", rng)


def _damage_db(kind: DamageKind, path: Path, rng: random.Random) -> str:
    if not path.is_file():
        raise Refused(f"there is no {path}")
    match kind:
        case DamageKind.DB_TRUNCATED:
            return db.truncate(path, rng)
        case DamageKind.DB_PAGE_FLIPPED:
            return db.flip_page(path, rng)
        case _:
            return db.flip_meta(path, rng)


def _newest_snap(snap: Path) -> Path:
    found = sorted(snap.glob("*.snap"))
    if not found:
        raise Refused(
            f"there is no .snap file in {snap}",
            hint="A member writes one every --snapshot-count entries.",
        )
    return found[-1]


def _take_away(lab: Disks, name: str, path: Path) -> str:
    return f"{path}: gone, to {bury(lab, name, path)}"


def _refuse_running(lab: Lab, name: str) -> None:
    """Raise Refused while the member runs: damage is for disks that nobody writes to."""
    if member_pid(lab, name) is not None:
        raise Refused(
            f"{name} runs", hint=f"Crash it first: `requorum lab crash --members {name}`."
        )
