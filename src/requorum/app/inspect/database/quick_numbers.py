"""The use case behind `--quick`: the numbers of `etcdutl snapshot status`, and nothing else.

It is there to be fast: neither pydantic, rich nor asyncio are imported on its way, and two other
processes share the work. This one merely waits, so it has nothing to clear away at its end; and a
disk that fails beneath a mapping ends one of the others, and the work is done here, carefully.
"""

import gc

from requorum.app.files.foreign_refusal import refuse_foreign
from requorum.clients.hosts.forked import Forked
from requorum.clients.hosts.local_source import FileSource
from requorum.errors import DamagedInput, RequorumError
from requorum.formats.snapshot_numbers import SnapshotStatus


def quick_numbers(name: str) -> SnapshotStatus:
    """Return the numbers of a file; DamagedInput, with its name, at the first damage."""
    path = _path_of(name)
    source = FileSource(path)
    try:
        refuse_foreign(name, source)
    finally:
        source.close()
    with Forked(lambda: _numbers(path, expendable=True), lambda: _numbers(path)) as numbers:
        try:
            return numbers.result()
        except DamagedInput as error:
            hint = "Without --quick all damage is listed."
            raise DamagedInput(f"{name}: {error.message}", hint=hint) from error


def _numbers(path: str, *, expendable: bool = False) -> SnapshotStatus:
    # To look for garbage meanwhile takes longer than to leave it.
    gc.disable()
    from requorum.formats.snapshot_file import split_trailer  # noqa: PLC0415  # not by who waits
    from requorum.formats.snapshot_status import snapshot_status  # noqa: PLC0415  # the same
    from requorum.formats.source import Head  # noqa: PLC0415  # the same

    source = FileSource(path, expendable=expendable)
    try:
        return snapshot_status(Head(source, split_trailer(source).db_size), Forked)
    finally:
        source.close()
        gc.enable()


def _path_of(name: str) -> str:
    try:
        FileSource(name).close()
    except RequorumError:
        # A directory, or nothing: rare, and worth the words that the other commands have for it.
        import asyncio  # noqa: PLC0415  # heavy, and nearly never needed here

        from requorum.app.files.places import find_place  # noqa: PLC0415  # the same
        from requorum.clients.hosts.local import LocalHost  # noqa: PLC0415  # the same

        return asyncio.run(find_place(name, LocalHost())).path
    return name
