"""The use case behind `--hashkv`: the hash of each file, and whether they agree."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass

from requorum.app.files.database_file import database_file
from requorum.app.inspect.database.results import CommonRevisionResult, FileHashResult, HashKvResult
from requorum.clients.hosts.local import LocalHost
from requorum.errors import DamagedInput, UsageError
from requorum.formats.bbolt.bucket import Database
from requorum.formats.hashkv import hash_kv
from requorum.formats.snapshot_file import split_trailer
from requorum.formats.source import Head, Source
from requorum.inspection.database import read_etcd_backend


@dataclass(frozen=True, slots=True)
class _File:
    """One file that is open, and where it stands."""

    name: str
    database: Database
    revision: int
    compact_revision: int


async def hash_files(names: Sequence[str], revision: int) -> HashKvResult:
    """Hash each file at a revision, 0 for its own current one; compare them where there are more.

    Files that are compacted to different revisions are compared as if all were compacted to the
    greatest of them, at the least of their current revisions.

    Raises UsageError for a revision that a file does not have, DamagedInput for a file that
    cannot be read to its end.
    """
    async with AsyncExitStack() as stack:
        files = [await _opened(stack, name) for name in names]
        return await asyncio.to_thread(_hashes, files, revision)


async def _opened(stack: AsyncExitStack, name: str) -> _File:
    _, source = await stack.enter_async_context(database_file(name, LocalHost()))
    return await asyncio.to_thread(_file, name, source)


def _file(name: str, source: Source) -> _File:
    with _named(name):
        content = Head(source, split_trailer(source).db_size)
        state = read_etcd_backend(content)
    return _File(name, Database(content), state.current_revision, state.compact_revision)


def _hashes(files: Sequence[_File], revision: int) -> HashKvResult:
    common = _common(files, revision) if len(files) > 1 else None
    hashes = tuple(_hash(file, revision, common) for file in files)
    agree = len({file.common_hash for file in hashes}) == 1
    return HashKvResult(files=hashes, common=common, equal=None if common is None else agree)


def _common(files: Sequence[_File], revision: int) -> CommonRevisionResult | None:
    """Return what all files can be hashed at; None where one begins after another one ends."""
    at = revision or min(file.revision for file in files)
    compacted = max(file.compact_revision for file in files)
    if at < compacted:
        return None
    return CommonRevisionResult(hash_revision=at, compact_revision=compacted)


def _hash(file: _File, revision: int, common: CommonRevisionResult | None) -> FileHashResult:
    with _named(file.name):
        own = hash_kv(file.database, revision)
        shared = None
        if common is not None:
            shared = hash_kv(file.database, common.hash_revision, common.compact_revision).hash
    return FileHashResult(
        hash=own.hash,
        compact_revision=own.compact_revision,
        hash_revision=own.revision,
        revision=file.revision,
        file=file.name,
        common_hash=shared,
    )


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Put the file's name before what is wrong with it."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{name}: {error.message}", hint=error.hint) from error
    except DamagedInput as error:
        raise DamagedInput(
            f"{name}: {error.message}",
            hint="Without --hashkv all damage is listed: a hash needs every record.",
        ) from error
