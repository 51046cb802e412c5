"""The database beside a log, asked which keys have, or had, a lease."""

from collections.abc import Callable

from requorum.app.files.wal_files import WalFiles
from requorum.clients.hosts import local_files, local_locks
from requorum.clients.hosts.local_source import FileSource
from requorum.errors import DamagedInput, UsageError
from requorum.inspection.database_leases import database_leases
from requorum.inspection.lease_keys import DatabaseLeases

Note = Callable[[str], None]


def leases_beside(files: WalFiles, named: str | None, note: Note) -> DatabaseLeases | None:
    """Read `named`, else the member's own database; None, with a note, where that cannot be.

    UsageError when the one that was named is not there.
    """
    path = named or files.database
    if path is None:
        return None
    stat = local_files.stat(path)
    if stat is None or stat.kind != "file":
        if named is not None:
            raise UsageError(f"there is no file {named}", hint="--db takes a db or snapshot file.")
        return None
    if local_locks.in_use(path):
        note(f"etcd runs on {path}, so it was not asked which keys had a lease")
        return None
    return _read(path, note)


def _read(path: str, note: Note) -> DatabaseLeases | None:
    source = FileSource(path)
    try:
        return database_leases(source)
    except DamagedInput as error:
        note(f"{path} cannot say which keys had a lease: {error.message}")
        return None
    finally:
        source.close()
