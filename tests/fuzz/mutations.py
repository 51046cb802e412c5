"""Random damage to the bytes of a file, the same for the same seed."""

import random
from collections.abc import Callable

PAGE = 4096
SECTOR = 512
_INTERESTING = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 1 << 16, (1 << 31) - 1, 1 << 31)
_WIDE = (*_INTERESTING, (1 << 32) - 1, 1 << 32, 1 << 47, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)

Mutator = Callable[[bytearray, random.Random, bytes], str]
"""Changes the bytes in place, perhaps with some of another file's; says what it did."""


def mutate(data: bytes, rng: random.Random, donor: bytes) -> tuple[bytes, str]:
    """Return the bytes after one to three random damages, and what was done.

    `donor`: another file, of which some bytes or pages may be found in this one.
    """
    mutated = bytearray(data)
    done = [
        rng.choices(_MUTATORS, _WEIGHTS)[0](mutated, rng, donor)
        for _ in range(rng.choice((1, 1, 1, 2, 3)))
    ]
    return bytes(mutated), "; ".join(done)


def _place(data: bytearray, rng: random.Random) -> int:
    """Return an offset: anywhere, or near the beginning of a page, where its structure lies."""
    if not data:
        return 0
    if rng.random() < 0.5:
        return rng.randrange(len(data))
    page = rng.randrange((len(data) - 1) // PAGE + 1)
    return min(page * PAGE + rng.randrange(96), len(data) - 1)


def _flip_bits(data: bytearray, rng: random.Random, _donor: bytes) -> str:
    if not data:
        return "nothing to flip"
    places = sorted(_place(data, rng) for _ in range(rng.randint(1, 8)))
    for place in places:
        data[place] ^= 1 << rng.randrange(8)
    return f"bits flipped at {places}"


def _set_byte(data: bytearray, rng: random.Random, _donor: bytes) -> str:
    if not data:
        return "nothing to set"
    place, value = _place(data, rng), rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    data[place] = value
    return f"byte {place} set to {value:#x}"


def _set_number(data: bytearray, rng: random.Random, _donor: bytes) -> str:
    size = rng.choice((2, 4, 8))
    number = rng.choice((*_WIDE, len(data), len(data) // PAGE)) & ((1 << (8 * size)) - 1)
    place = _place(data, rng) // size * size
    data[place : place + size] = number.to_bytes(size, rng.choice(("little", "big")))[
        : max(len(data) - place, 0)
    ]
    return f"{size} bytes at {place} set to the number {number:#x}"


def _noise(data: bytearray, rng: random.Random, _donor: bytes) -> str:
    place = _place(data, rng)
    length = min(rng.choice((4, 16, 64, SECTOR, PAGE)), len(data) - place)
    data[place : place + length] = rng.randbytes(length)
    return f"{length} random bytes at {place}"


def _zeros(data: bytearray, rng: random.Random, _donor: bytes) -> str:
    unit = rng.choice((1, SECTOR, PAGE))
    place = _place(data, rng) // unit * unit
    length = min(unit * rng.choice((1, 2, 5)), len(data) - place)
    data[place : place + length] = bytes(length)
    return f"{length} zeros at {place}"


def _truncate(data: bytearray, rng: random.Random, _donor: bytes) -> str:
    unit = rng.choice((1, 1, SECTOR, PAGE))
    # Near the end as often as anywhere: a crash cuts ends, and an end has its own rules.
    place = len(data) - rng.randrange(64) if rng.random() < 0.3 else _place(data, rng)
    place = max(place, 0) // unit * unit
    del data[place:]
    return f"cut off at {place}"


def _swap(data: bytearray, rng: random.Random, _donor: bytes) -> str:
    unit = rng.choice((SECTOR, PAGE, PAGE, PAGE))
    count = len(data) // unit
    if count < 2:
        return "no two pages to swap"
    one, other = (unit * page for page in rng.sample(range(count), 2))
    data[one : one + unit], data[other : other + unit] = (
        data[other : other + unit],
        data[one : one + unit],
    )
    return f"{unit} bytes at {one} and {other} swapped"


def _duplicate(data: bytearray, rng: random.Random, _donor: bytes) -> str:
    unit = rng.choice((8, SECTOR, PAGE, PAGE))
    count = len(data) // unit
    if count < 2:
        return "no page to duplicate"
    one, other = (unit * page for page in rng.sample(range(count), 2))
    data[other : other + unit] = data[one : one + unit]
    return f"{unit} bytes of {one} copied over {other}"


def _append(data: bytearray, rng: random.Random, donor: bytes) -> str:
    length = rng.choice((1, 8, 32, SECTOR, PAGE, 3 * PAGE))
    data += rng.choice((rng.randbytes(length), bytes(length), donor[:length]))
    return f"{length} bytes appended"


def _insert(data: bytearray, rng: random.Random, _donor: bytes) -> str:
    place, length = _place(data, rng), rng.choice((1, 8, 32, SECTOR))
    data[place:place] = rng.randbytes(length)
    return f"{length} bytes inserted at {place}"


def _delete(data: bytearray, rng: random.Random, _donor: bytes) -> str:
    place, length = _place(data, rng), rng.choice((1, 8, 32, SECTOR, PAGE))
    del data[place : place + length]
    return f"{length} bytes taken out at {place}"


def _transplant(data: bytearray, rng: random.Random, donor: bytes) -> str:
    unit = rng.choice((8, SECTOR, PAGE, PAGE))
    if len(data) < unit or len(donor) < unit:
        return "nothing to transplant"
    place = rng.randrange(len(data) // unit) * unit
    begin = place if rng.random() < 0.5 else rng.randrange(len(donor) // unit) * unit
    data[place : place + unit] = donor[begin : begin + unit].ljust(unit, b"\0")[: len(data) - place]
    return f"{unit} bytes at {place} taken from byte {begin} of another file"


_WEIGHTED: tuple[tuple[Mutator, int], ...] = (
    (_flip_bits, 6),
    (_set_byte, 3),
    (_set_number, 4),
    (_noise, 2),
    (_zeros, 2),
    (_truncate, 3),
    (_swap, 3),
    (_duplicate, 2),
    (_append, 1),
    (_insert, 1),
    (_delete, 1),
    (_transplant, 2),
)
_MUTATORS = [mutator for mutator, _ in _WEIGHTED]
_WEIGHTS = [weight for _, weight in _WEIGHTED]
