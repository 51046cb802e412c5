"""Bounded polling."""

import asyncio
import time
from collections.abc import Callable


async def eventually(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Wait until the condition holds; fail when it does not within the time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        await asyncio.sleep(0.01)
