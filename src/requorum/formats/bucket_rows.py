"""The small buckets, row by row: a malformed row is an error, or one finding among others."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from requorum.errors import DamagedInput
from requorum.formats.bbolt.bucket import Bucket, Database
from requorum.formats.bbolt.damage import KEPT_MAX, DamageLog
from requorum.formats.wire import whole_number

T = TypeVar("T")

_SHOWN_KEY_SIZE = 64


class BucketRows:
    """One bucket, with its name in every error; a bucket that is missing is an empty one.

    Without a log the first malformed row raises DamagedInput. With one, each is noted there with
    its place and passed over, so that one bad row does not hide all the others.
    """

    def __init__(self, database: Database, name: bytes, log: DamageLog | None = None) -> None:
        self._database = database
        self._name = name.decode()
        self._log = log
        self._bucket: Bucket | None = None
        try:
            self._bucket = database.bucket(name)
        except DamagedInput as error:
            self._unreadable(error)

    def value(self, key: bytes, parse: Callable[[bytes], T]) -> T | None:
        """Return what `parse` makes of a key's value; None where there is no such key."""
        value = self._read(lambda bucket: bucket.get(key))
        return None if value is None else self._parsed(key, lambda: parse(value))

    def last_key(self, parse: Callable[[bytes], T]) -> T | None:
        """Return what `parse` makes of the greatest key; None in an empty bucket."""
        key = self._read(Bucket.last_key)
        return None if key is None else self._parsed(key, lambda: parse(key))

    def rows(self, parse: Callable[[bytes, bytes], T]) -> Iterator[T]:
        """Yield what `parse` makes of each key and value, in the order of the keys."""
        for key, value in self._items():
            try:
                row = parse(key, value)
            except DamagedInput as error:
                self._malformed(key, error)
            else:
                yield row

    def _read(self, look_up: Callable[[Bucket], bytes | None]) -> bytes | None:
        try:
            return None if self._bucket is None else look_up(self._bucket)
        except DamagedInput as error:
            self._unreadable(error)
            return None

    def _parsed(self, key: bytes, parse: Callable[[], T]) -> T | None:
        try:
            return parse()
        except DamagedInput as error:
            self._malformed(key, error)
            return None

    def _items(self) -> Iterator[tuple[bytes, bytes]]:
        if self._bucket is None:
            return
        try:
            yield from self._bucket.items()
        except DamagedInput as error:
            self._unreadable(error)

    def _malformed(self, key: bytes, error: DamagedInput) -> None:
        what = f"bucket {self._name}: the row {key[:_SHOWN_KEY_SIZE]!r}: {error.message}"
        if self._log is None:
            raise DamagedInput(what) from error
        self._log.add(*self._place(key), what)

    def _place(self, key: bytes) -> tuple[int, int]:
        """Return page and byte of a row; where it is not found by its key, its root page's."""
        place = self._root_place()
        if self._bucket is None or self._log is None or len(self._log.kept) >= KEPT_MAX:
            return place
        try:
            found = self._bucket.find(key)
        except DamagedInput:
            return place
        return place if found is None else (found[0].number, found[1].key_offset)

    def _unreadable(self, error: DamagedInput) -> None:
        if self._log is None:
            raise error
        what = f"bucket {self._name} cannot be read to its end: {error.message}"
        self._log.add(*self._root_place(), what)

    def _root_place(self) -> tuple[int, int]:
        if self._bucket is not None:
            return self._bucket.root.number, self._bucket.root.start
        root = self._database.meta.root
        return root, root * self._database.meta.page_size


def u64(value: bytes) -> int:
    """Return the big-endian number that etcd's counters are."""
    if len(value) != 8:
        raise DamagedInput(f"{len(value)} bytes where a number of 8 belongs")
    return int.from_bytes(value, "big")


def text(value: bytes) -> str:
    """Return a text that must be UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise DamagedInput("it is not UTF-8") from error


def flag(value: int | memoryview, name: str) -> bool:
    """Return a protobuf bool."""
    return bool(whole_number(value, name))
