"""The answer to a file that was taken for a log and is none."""

import shlex
from posixpath import join

from requorum.app.files.wal_files import WalFiles
from requorum.clients.hosts.local_source import FileSource
from requorum.errors import DamagedInput
from requorum.formats.bbolt.meta import MAGIC
from requorum.formats.foreign_file import foreign_file
from requorum.formats.source import Source

_MAGIC_OFFSET = 16
_OTHERS = "Another member's log holds the same entries: inspect that one."


def nothing_readable(path: str, files: WalFiles) -> DamagedInput:
    """Return the error for a log none of whose records can be read."""
    problem, hint = f"no record can be read of {path}", _OTHERS
    if files.single:
        source = FileSource(join(files.path, files.names[0]))
        try:
            problem, hint = _single(path, source) or (problem, hint)
        finally:
            source.close()
    return DamagedInput(problem, hint=hint)


def _single(path: str, source: Source) -> tuple[str, str] | None:
    if _is_database(source):
        hint = f"`requorum inspect db {shlex.quote(path)}` reads it."
        return f"{path} is a database, and no log", hint
    foreign = foreign_file(source)
    if foreign is None or foreign.kind.startswith("a segment"):
        return None
    hint = foreign.hint.replace("FILE", shlex.quote(path))
    return f"{path} is {foreign.kind}, and no log", hint


def _is_database(source: Source) -> bool:
    try:
        return source.read(_MAGIC_OFFSET, 4) == MAGIC.to_bytes(4, "little")
    except DamagedInput:
        return False
