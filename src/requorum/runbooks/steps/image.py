"""The image: a snapshot file that was proven before it got its name."""

import asyncio
import hashlib
from collections.abc import Mapping

from pydantic import JsonValue

from requorum.domain.units import binary_size
from requorum.errors import DamagedInput, StepFailed
from requorum.formats.snapshot_file import trailer_matches
from requorum.formats.source import Source
from requorum.inspection.agreement import COMPARED_ENTRIES_MIN
from requorum.inspection.completed_log import CompletedLog
from requorum.inspection.database import align_at, examine_database, read_etcd_backend
from requorum.ports.host import Host

CHUNK_BYTES = 1 << 20


async def seal_image(
    host: Host, database: str, image: str, *, log: CompletedLog, after: int
) -> None:
    """Check the database, append its SHA-256 as `snapshot save` does, and give it its name.

    `after` is the index from which on the log was replayed; see `prove`.
    """
    async with host.open(database) as source:
        await asyncio.to_thread(prove, source, log, after)
        size, digest = source.size, await asyncio.to_thread(_sha256, source)
    await host.write_at(database, size, digest)
    await host.rename(database, image)


def prove(source: Source, log: CompletedLog, after: int) -> None:
    """Raise StepFailed unless every page is sound and every replayed entry is in it.

    Some entries before them are held against it too, so that the seam is seen to be one.
    """
    examined = examine_database(source)
    if not examined.readable or examined.state is None:
        raise StepFailed(
            f"the image that etcd made is damaged: {'; '.join(examined.problems)}",
            hint="No member's data was touched. Check the disk and the memory of this host.",
        )
    if after > log.last_index:
        return  # the database was ahead of every log: they have nothing in common to compare
    compared = log.last_index - after + COMPARED_ENTRIES_MIN
    held = align_at(source, examined.state, log, log.last_index, at_most=compared)
    if held is not None and held.contradiction is not None:
        raise StepFailed(
            f"the image does not hold the log: {held.contradiction.what}",
            hint="No member's data was touched. Please report this with the run's folder.",
        )


async def check_image(host: Host, image: str) -> Mapping[str, JsonValue]:
    """Return what the image holds; DamagedInput when it is not what was sealed."""
    async with host.open(image) as source:
        if await asyncio.to_thread(trailer_matches, source) is not True:
            raise DamagedInput(f"{image} does not match its own SHA-256")
        state = await asyncio.to_thread(read_etcd_backend, source)
        return {
            "image": image,
            "revision": state.current_revision,
            "size": binary_size(source.size),
        }


def _sha256(source: Source) -> bytes:
    digest = hashlib.sha256()
    for offset in range(0, source.size, CHUNK_BYTES):
        digest.update(source.read(offset, min(CHUNK_BYTES, source.size - offset)))
    return digest.digest()
