"""Records of the bucket `key`, found by their form alone where nothing says where they are.

A record is `main _ sub`, perhaps `t`, and behind it at once the message that etcd wrote, its fields
in the order of their numbers. A put repeats its main revision in its message, so nothing is taken
for a record by chance; and behind its last field comes the zero with which the next revision, or
the unused rest of the page, begins: that is where it ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from requorum.errors import DamagedInput
from requorum.formats.kv_columns import (
    CREATE_TAG,
    KEY_TAG,
    LEASE_TAG,
    MOD_TAG,
    VALUE_TAG,
    VERSION_TAG,
)
from requorum.formats.mvcc import REVISION_SIZE, TOMBSTONE_SIZE
from requorum.formats.wire import read_varint
from requorum.inspection.salvage.places import MAIN_MAX, SUB_MAX, main_of, place_of

_SEPARATOR = b"_"
_MARK = ord("t")
_MAIN_SIZE = 8


@dataclass(frozen=True, slots=True)
class FoundRecord:
    """A record that proves itself. Offsets count from the start of the file.

    `told_main` is the main revision that its message repeats, None for a tombstone and for the
    mark of a revision bump; only `record_at` returns records whose key says another one.
    """

    place: int
    tombstone: bool
    start: int
    value_offset: int
    end: int
    told_main: int | None

    @property
    def main_agrees(self) -> bool:
        """Return whether key and message name the same revision."""
        return self.told_main in (None, self.place_main)

    @property
    def place_main(self) -> int:
        """Return the main revision that its key names."""
        return main_of(self.place)

    def moved(self) -> "FoundRecord":
        """Return the record at the revision that its message names."""
        main = self.place_main if self.told_main is None else self.told_main
        return replace(self, place=place_of(main, self.place & SUB_MAX))


def carve(
    view: memoryview, begin: int, end: int, limit: int | None = None
) -> Iterator[FoundRecord]:
    """Yield the records that begin in [begin, end), by their places in the file; none overlaps.

    The last one may reach up to `limit`. Time is linear in the stretch, whatever it holds.
    """
    data = bytes(view[begin:end])
    rest = view[begin : end if limit is None else limit]
    at = 0
    while True:
        separator = data.find(_SEPARATOR, at + _MAIN_SIZE)
        if separator < 0:
            return
        start = separator - _MAIN_SIZE
        found = record_at(rest, start, offset=begin)
        if found is not None and found.main_agrees:
            yield found
            at = found.end - begin
        else:
            at = start + 1


def record_at(data: bytes | memoryview, start: int, *, offset: int = 0) -> FoundRecord | None:
    """Return the record that begins at `start`, None where etcd can have written none such.

    `offset` is added to all its places. Values are not copied.
    """
    key = bytes(data[start : start + TOMBSTONE_SIZE])
    if len(key) < REVISION_SIZE or key[_MAIN_SIZE : _MAIN_SIZE + 1] != _SEPARATOR:
        return None
    main, sub = int.from_bytes(key[:_MAIN_SIZE], "big"), int.from_bytes(key[9:REVISION_SIZE], "big")
    if main > MAIN_MAX or sub > SUB_MAX:
        return None
    tombstone = key[REVISION_SIZE:] == bytes([_MARK])
    value = start + (TOMBSTONE_SIZE if tombstone else REVISION_SIZE)
    try:
        told_main, end = _message(data, value, tombstone=tombstone)
    except DamagedInput:
        return None
    return FoundRecord(
        place_of(main, sub), tombstone, offset + start, offset + value, offset + end, told_main
    )


def _message(data: bytes | memoryview, at: int, *, tombstone: bool) -> tuple[int | None, int]:
    """Return the main revision that a message repeats, and where it ends."""
    key_size, at = _bytes(data, at, KEY_TAG)
    if not key_size:
        raise DamagedInput("a record without a key")
    if tombstone:
        return None, at
    create, at = _number(data, at, CREATE_TAG)
    main, at = _number(data, at, MOD_TAG)
    version, at = _number(data, at, VERSION_TAG)
    if not (1 <= create <= main <= MAIN_MAX and 1 <= version <= main - create + 1):
        raise DamagedInput("numbers that contradict each other")
    if data[at : at + 1] == bytes([VALUE_TAG]):
        _, at = _bytes(data, at, VALUE_TAG)
    if data[at : at + 1] == bytes([LEASE_TAG]):
        _, at = _number(data, at, LEASE_TAG)
    return main, at


def _bytes(data: bytes | memoryview, at: int, tag: int) -> tuple[int, int]:
    size, at = _number(data, at, tag)
    if size > len(data) - at:
        raise DamagedInput("it does not lie within its page")
    return size, at + size


def _number(data: bytes | memoryview, at: int, tag: int) -> tuple[int, int]:
    if data[at : at + 1] != bytes([tag]):
        raise DamagedInput("another field")
    return read_varint(data, at + 1)
