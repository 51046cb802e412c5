"""What a recovery could have used: asked where one says that there is nothing."""

from collections.abc import Iterator, Sequence

from requorum.formats.source import BufferSource
from requorum.inspection.database import examine_database
from requorum.lab.damage.graveyard import Disks
from requorum.lab.own_log import read_wal


def usable_files(lab: Disks, names: Sequence[str]) -> tuple[str, ...]:
    """Return every sound database and every log from the first entry on, of these members."""
    return tuple(file for name in names for file in _usable_of(lab, name))


def _usable_of(lab: Disks, name: str) -> Iterator[str]:
    database = lab.data_dir(name) / "member" / "snap" / "db"
    if database.is_file() and examine_database(BufferSource(database.read_bytes())).readable:
        yield f"the database of {name} is sound"
    log = read_wal(lab, name)
    if log is not None and log.starts_at_zero and log.first_index == 1 and not log.missing:
        yield f"the log of {name} has every entry from the first one on"
