"""Values that can be told apart: each one says which write of which writer it belongs to."""

import hashlib

_SHORTEST = 16
_LONGEST = 2_000
_LARGE = 20_000
_LARGE_ONE_IN = 64


def value_of(writer: str, seq: int) -> bytes:
    """Return the value that this writer's write number `seq` puts: 16 to 2,000 bytes, or 20,000.

    It is a function of its arguments alone, so that it need not be stored to be compared.
    """
    head = f"{writer}/{seq}:".encode()
    stream = hashlib.shake_128(head)
    dice = stream.digest(4)
    spread = int.from_bytes(dice[:3]) % (_LONGEST - _SHORTEST + 1)
    length = _LARGE if dice[3] % _LARGE_ONE_IN == 0 else _SHORTEST + spread
    return (head + stream.digest(length))[:length]
