"""What a recovery could have used: asked where one says that there is nothing."""

from collections.abc import Iterator

from requorum.formats.source import BufferSource
from requorum.inspection.database import examine_database
from requorum.lab.damage.kinds import DamageKind
from requorum.lab.layout import Lab
from requorum.lab.own_log import read_wal
from requorum.lab.trials.crashed import Crashed


def usable_files(crashed: Crashed) -> tuple[str, ...]:
    """Return every sound database and every log from the first entry on, of the true cluster."""
    ours = [n for n in crashed.lab.names if crashed.kind_at(n) is not DamageKind.WRONG_CLUSTER]
    return tuple(file for name in ours for file in _usable_of(crashed.lab, name))


def _usable_of(lab: Lab, name: str) -> Iterator[str]:
    database = lab.data_dir(name) / "member" / "snap" / "db"
    if database.is_file() and examine_database(BufferSource(database.read_bytes())).readable:
        yield f"the database of {name} is sound"
    log = read_wal(lab, name)
    if log is not None and log.starts_at_zero and log.first_index == 1 and not log.missing:
        yield f"the log of {name} has every entry from the first one on"
