"""Turn single bits of a file over."""

import random
from pathlib import Path

_FLIPS_MOST = 8


def flip_bits(path: Path, begin: int, end: int, rng: random.Random) -> tuple[int, int]:
    """Flip one to eight bits of the bytes [begin, end); return the first offset and how many."""
    bits = 8 * (end - begin)
    chosen = sorted(rng.sample(range(bits), min(bits, rng.randint(1, _FLIPS_MOST))))
    with path.open("r+b") as file:
        for bit in chosen:
            offset = begin + bit // 8
            file.seek(offset)
            (byte,) = file.read(1)
            file.seek(offset)
            file.write(bytes([byte ^ 1 << bit % 8]))
    return begin + chosen[0] // 8, len(chosen)
