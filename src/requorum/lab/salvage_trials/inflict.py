"""Damage a copy of a recorded crash, as a trial has drawn it."""

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from requorum.lab.damage.sparse import copy_tree_sparse
from requorum.lab.salvage_trials.db_damage import DB_DAMAGES
from requorum.lab.salvage_trials.drawn import LOST, SEGMENT_LOST, Drawn, MemberHarm
from requorum.lab.salvage_trials.recorded import Member, Recorded, db_of, segments_of, wal_of
from requorum.lab.salvage_trials.wal_damage import WAL_DAMAGES

_SLACK = 64 * 1024
"""So much behind the last record can be damaged as well."""


def damaged_copies(
    recorded: Recorded, drawn: Drawn, directory: Path
) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Copy each member's data directory below `directory`, damaged; also say what was done."""
    copies, said = {}, []
    for (name, member), harm in zip(recorded.members.items(), drawn.harms, strict=True):
        copies[name] = directory / name
        copy_tree_sparse(member.data_dir, copies[name])
        rng = random.Random(f"{drawn.seed}/{name}")  # noqa: S311  # repeatable on purpose
        said += [f"{name}: {what}" for what in _inflict(member, copies[name], harm, rng)]
        if drawn.common is not None:
            what = _lose_a_part(recorded, member, copies[name], drawn.common)
            said += [f"{name}: {what}"]
    return copies, tuple(said)


def _inflict(member: Member, data_dir: Path, harm: MemberHarm, rng: random.Random) -> Iterator[str]:
    if harm.db == (LOST,):
        db_of(data_dir).unlink()
        yield "db lost"
    elif harm.db:
        yield from _damage_db(member, db_of(data_dir), harm.db, rng)
    if harm.wal == (LOST,):
        shutil.rmtree(wal_of(data_dir))
        yield "log lost"
    elif harm.wal == (SEGMENT_LOST,):
        segment = rng.choice(segments_of(data_dir))
        segment.unlink()
        yield f"{segment.name} lost"
    else:
        for name in harm.wal:
            yield _damage_wal(member, rng.choice(segments_of(data_dir)), name, rng)


def _damage_db(
    member: Member, path: Path, names: tuple[str, ...], rng: random.Random
) -> Iterator[str]:
    data = bytearray(member.used_db)
    for name in names:
        yield f"db: {DB_DAMAGES[name](data, member.layout, rng)}"
    _write_back(path, data, before=len(member.used_db))


def _damage_wal(member: Member, path: Path, name: str, rng: random.Random) -> str:
    places = [place for place in member.places.values() if place.segment == path.name]
    if not places:
        return f"{path.name}: no entries to damage"
    with path.open("rb") as file:
        data = bytearray(file.read(places[-1].end + _SLACK))
    before = len(data)
    said = WAL_DAMAGES[name](data, places, rng)
    _write_back(path, data, before=before)
    return f"{path.name}: {said}"


def _lose_a_part(
    recorded: Recorded, member: Member, data_dir: Path, common: tuple[float, float]
) -> str:
    """Clear a part of history wherever this member has it, in the log and on the pages."""
    first, last = (1 + int(part * (len(recorded.log) - 1)) for part in common)
    lost = range(first, last + 1)
    for path in segments_of(data_dir):
        for index in lost:
            place = member.places.get(index)
            if place is not None and place.segment == path.name:
                _clear(path, place.start, place.end)
    revision_at = recorded.truth.revision_of
    revisions = {revision_at[index] for index in lost if index in revision_at}
    pages = {page for r in revisions for page in member.pages_of.get(r, ())}
    for page in pages:
        _clear(db_of(data_dir), page, page + member.layout.page_size)
    return f"entries {first} to {last} zeroed, and {len(pages)} pages of {len(revisions)} revisions"


def _clear(path: Path, begin: int, end: int) -> None:
    """Write zeros, as far as the file still goes."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        end = min(end, file.seek(0, os.SEEK_END))
        if begin < end:
            file.seek(begin)
            file.write(bytes(end - begin))


def _write_back(path: Path, data: bytearray, *, before: int) -> None:
    """Overwrite the beginning of a file; where it became shorter, the file ends there."""
    with path.open("r+b") as file:
        file.write(data)
    if len(data) < before:
        os.truncate(path, len(data))
