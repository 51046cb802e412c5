"""CRC32C of a text from those of its parts, so that parts can be read in any order.

Source: zlib crc32.c `crc32_combine`. A checksum is a polynomial over GF(2), its highest bit the
lowest power; to append n bytes is to multiply by x^8n, modulo the Castagnoli polynomial.
"""

from collections.abc import Iterable

_POLYNOMIAL = 0x82F63B78
_ONE = 1 << 31
_X_TO_8 = 1 << 23


def joined(parts: Iterable[tuple[int, int]]) -> int:
    """Return the CRC32C of all parts, each given as its own CRC32C and its size in bytes."""
    whole = 0
    for crc, size in parts:
        whole = _times(_x_to_bytes(size), whole) ^ crc
    return whole


def _x_to_bytes(size: int) -> int:
    """Return x^(8 * size), by squaring."""
    power, square = _ONE, _X_TO_8
    while size:
        if size & 1:
            power = _times(square, power)
        square = _times(square, square)
        size >>= 1
    return power


def _times(a: int, b: int) -> int:
    product = 0
    while a:
        if a & _ONE:
            product ^= b
        a = (a << 1) & 0xFFFFFFFF
        b = b >> 1 ^ (_POLYNOMIAL if b & 1 else 0)
    return product
