"""Losses that tests choose themselves, so that they know what is left."""

import re
import shutil
from collections.abc import Collection
from pathlib import Path

from requorum.formats.mvcc import RevisionKey
from requorum.lab.salvage_trials.recorded import Member, db_of, segments_of, wal_of

_ROOT_USER = re.compile(rb"\x0a\x04root\x12\x3c\$2a\$.{56}", re.DOTALL)
"""The beginning of a row of the bucket authUsers: name, and the bcrypt hash of a password."""


def lose_db(data_dir: Path) -> None:
    """Remove the database."""
    db_of(data_dir).unlink()


def lose_log(data_dir: Path) -> None:
    """Remove the log."""
    shutil.rmtree(wal_of(data_dir))


def clear_revisions(member: Member, db: Path, revisions: Collection[int]) -> int:
    """Clear every page of a member's db that has a record of these; return how many."""
    pages = {page for main in revisions for page in member.pages_of.get(main, ())}
    clear_pages(db, pages, member.layout.page_size)
    return len(pages)


def clear_pages(db: Path, begins: Collection[int], page_size: int) -> None:
    """Fill the pages that begin at these bytes with zeros."""
    with db.open("r+b") as file:
        for begin in begins:
            file.seek(begin)
            file.write(bytes(page_size))


def clear_entries(member: Member, data_dir: Path, indexes: range) -> None:
    """Fill the place of each of these entries in a log with zeros."""
    places = [place for index, place in member.places.items() if index in indexes]
    for path in segments_of(data_dir):
        with path.open("r+b") as file:
            for place in places:
                if place.segment == path.name:
                    file.seek(place.start)
                    file.write(bytes(place.end - place.start))


def clear_root_user(db: Path) -> None:
    """Clear the row of the user root wherever a page has it, old pages too."""
    data, count = _ROOT_USER.subn(lambda row: bytes(len(row[0])), db.read_bytes())
    assert count
    db.write_bytes(data)


def large_values(member: Member) -> dict[int, int]:
    """Return where a page begins within each value of several overflow pages, by main revision."""
    size = member.layout.page_size
    found = {}
    for at in (element.at for element in member.layout.elements):
        if at.value_size > 4 * size:
            key = RevisionKey.parse(member.used_db[at.key_offset : at.key_offset + at.key_size])
            found[key.revision.main] = (at.value_offset // size + 2) * size
    return found
