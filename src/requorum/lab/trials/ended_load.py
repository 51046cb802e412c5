"""A load that ends in the middle of what it does, at a drawn moment."""

import asyncio
from collections.abc import Callable

from requorum.domain.ids import ClusterId
from requorum.lab.load import Load
from requorum.lab.practice import Connect

_LOAD_ENDS_SECONDS = 30.0


async def load_until(
    load: Load,
    *,
    copies_at: float,
    keep_copies: Callable[[], object],
    end_at: float,
    end: Callable[[], object],
) -> None:
    """Run a load; `copies_at` and `end_at` seconds after its beginning do what is given for then.

    Both in threads, so that writers are ended in the middle of whatever they do.
    """
    running = asyncio.create_task(load.run())
    try:
        ends = asyncio.get_running_loop().time() + end_at
        await asyncio.sleep(copies_at)
        await asyncio.to_thread(keep_copies)
        await asyncio.sleep(ends - asyncio.get_running_loop().time())
        await asyncio.to_thread(end)
    finally:
        load.stop()
        async with asyncio.timeout(_LOAD_ENDS_SECONDS):
            await running


async def cluster_id_at(client_url: str, connect: Connect) -> ClusterId:
    """Return the cluster's ID, as one member tells it."""
    etcd = connect(client_url)
    try:
        return (await etcd.status(deadline=10)).header.cluster_id
    finally:
        await etcd.close()
