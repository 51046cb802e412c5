"""Ways to damage one segment of a log: bytes in, changed bytes, and one line that says how."""

import random
from collections.abc import Callable, Sequence

from requorum.lab.salvage_trials.whole_logs import Place

WalDamage = Callable[[bytearray, Sequence[Place], random.Random], str]
"""Takes a segment and the entries that lie in it, at least one."""

_SECTOR = 512


def flip_records(data: bytearray, places: Sequence[Place], rng: random.Random) -> str:
    """Flip bits in some entries, their frames included."""
    chosen = _some(places, rng)
    for place in chosen:
        for _ in range(rng.choice([1, 1, 3])):
            offset = rng.randrange(place.start, place.end)
            if offset < len(data):
                data[offset] ^= 1 << rng.randrange(8)
    return f"bits flipped in {len(chosen)} records"


def zero_sectors(data: bytearray, places: Sequence[Place], rng: random.Random) -> str:
    """Clear some sectors."""
    last = places[-1].end // _SECTOR
    sectors = [rng.randrange(last + 1) for _ in range(rng.choice([1, 1, 4, 20]))]
    for sector in sectors:
        _put(data, sector * _SECTOR, bytes(_SECTOR))
    return f"{len(sectors)} sectors zeroed"


def noise_stretch(data: bytearray, places: Sequence[Place], rng: random.Random) -> str:
    """Overwrite a stretch of the log with noise."""
    begin = rng.randrange(places[-1].end)
    size = rng.choice([8, 100, 4096, 40_000])
    _put(data, begin, rng.randbytes(size))
    return f"{size} bytes of noise from byte {begin} on"


def zero_end(data: bytearray, places: Sequence[Place], rng: random.Random) -> str:
    """Clear all from somewhere on, as if it had never been written."""
    begin = _late(places, rng)
    _put(data, begin, bytes(max(0, len(data) - begin)))
    return f"zeros from byte {begin} on"


def cut_off(data: bytearray, places: Sequence[Place], rng: random.Random) -> str:
    """Cut the segment off."""
    size = _late(places, rng)
    del data[size:]
    return f"cut off at byte {size}"


WAL_DAMAGES: dict[str, WalDamage] = {
    "flip-records": flip_records,
    "zero-sectors": zero_sectors,
    "noise-stretch": noise_stretch,
    "zero-end": zero_end,
    "cut-off": cut_off,
}


def _late(places: Sequence[Place], rng: random.Random) -> int:
    """Return a byte, more often one near the end."""
    first = places[0].start if rng.random() < 0.3 else places[-(len(places) // 10) - 1].start
    return rng.randrange(first, places[-1].end)


def _some(places: Sequence[Place], rng: random.Random) -> list[Place]:
    most = rng.choice([1, 1, 5, max(1, len(places) // 4)])
    return rng.sample(places, min(len(places), rng.randint(1, most)))


def _put(data: bytearray, begin: int, content: bytes) -> None:
    """Overwrite bytes, as far as the file still goes."""
    end = min(begin + len(content), len(data))
    if begin < end:
        data[begin:end] = content[: end - begin]
