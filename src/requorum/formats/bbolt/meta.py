"""The two meta pages, of which the valid one with the higher txid is the database.

Source: bbolt internal/common/meta.go (layout, validation) and db.go `getPageSize` (probing).
"""

import struct
from dataclasses import dataclass

from requorum.errors import DamagedInput
from requorum.formats.bbolt.damage import Damage
from requorum.formats.source import Source

MAGIC = 0xED0CDAED
VERSION = 2
PAGE_HEADER_SIZE = 16
FREELIST_NOT_PERSISTED = 0xFFFFFFFFFFFFFFFF
"""What `freelist` holds when bbolt runs without freelist sync, as etcd does on Linux."""

_BODY = struct.Struct("<IIIIQQQQQQ")
_CHECKED_SIZE = 56
_PAGE_SIZES = tuple(1024 << shift for shift in range(15))
_PAGE_SIZE_ASSUMED = 4096


@dataclass(frozen=True, slots=True)
class Meta:
    """What a committed transaction left behind: where its trees begin.

    `high_water_mark` is the first page number that was never allocated, so that
    `logical_size` bytes matter and the file may be longer.
    """

    index: int
    page_size: int
    root: int
    freelist: int
    high_water_mark: int
    txid: int

    @property
    def logical_size(self) -> int:
        """Return the bytes in use: high water mark times page size."""
        return self.high_water_mark * self.page_size

    @property
    def freelist_persisted(self) -> bool:
        """Return whether `freelist` is a page number."""
        return self.freelist != FREELIST_NOT_PERSISTED

    def cut_at(self, size: int) -> str | None:
        """Return the words for a file of `size` bytes that ends before its pages do, else None.

        Whoever meets a cut file says it in these words. bbolt makes a file longer before it uses
        a page behind its end, so a shorter one is no file that etcd left.
        """
        if size >= self.logical_size:
            return None
        return f"the file ends at byte {size}; its meta page says {self.logical_size} bytes"


@dataclass(frozen=True, slots=True)
class Metas:
    """Both meta pages, each valid or with the reason why not."""

    page_size: int
    slots: tuple[Meta | Damage, Meta | Damage]

    @property
    def valid(self) -> tuple[Meta, ...]:
        """Return the valid ones, newest first."""
        found = [slot for slot in self.slots if isinstance(slot, Meta)]
        return tuple(sorted(found, key=lambda meta: -meta.txid))

    @property
    def damages(self) -> tuple[Damage, ...]:
        """Return why the others are not valid."""
        return tuple(slot for slot in self.slots if isinstance(slot, Damage))

    @property
    def current(self) -> Meta:
        """Return the valid one with the highest txid; DamagedInput when both are bad."""
        if not self.valid:
            reasons = "; ".join(str(damage) for damage in self.damages)
            raise DamagedInput(f"neither meta page is valid: {reasons}")
        return self.valid[0]

    @property
    def previous(self) -> Meta | None:
        """Return the other one: the transaction before, whose pages may be overwritten since."""
        return self.valid[1] if len(self.valid) > 1 else None


def read_metas(source: Source) -> Metas:
    """Read both meta pages. Never raises for their content: see `Metas.current`."""
    page_size = _page_size(source)
    return Metas(page_size, (_read_slot(source, page_size, 0), _read_slot(source, page_size, 1)))


def fnv1a_64(data: bytes | memoryview) -> int:
    """Return the FNV-1a hash that seals a meta page."""
    digest = 0xCBF29CE484222325
    for byte in data:
        digest = ((digest ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return digest


def _page_size(source: Source) -> int:
    first = _read_meta(source, offset=0, page=0)
    if isinstance(first, Meta):
        return first.page_size
    for page_size in _PAGE_SIZES:
        second = _read_meta(source, offset=page_size, page=1)
        # A meta that lies where its own page size does not put it is a copy in somebody's data.
        if isinstance(second, Meta) and second.page_size == page_size:
            return page_size
    return _PAGE_SIZE_ASSUMED


def _read_slot(source: Source, page_size: int, index: int) -> Meta | Damage:
    slot = _read_meta(source, offset=index * page_size, page=index)
    if isinstance(slot, Meta) and slot.page_size != page_size:
        where = index * page_size
        return Damage(index, where, f"meta says page size {slot.page_size}, not {page_size}")
    return slot


def _read_meta(source: Source, *, offset: int, page: int) -> Meta | Damage:
    if offset + PAGE_HEADER_SIZE + _BODY.size > source.size:
        return Damage(page, offset, f"meta page lies outside of the {source.size} bytes there are")
    body = source.read(offset + PAGE_HEADER_SIZE, _BODY.size)
    magic, version, page_size, _flags, root, _sequence, freelist, mark, txid, checksum = (
        _BODY.unpack(body)
    )
    if magic != MAGIC:
        return Damage(page, offset, "meta page has no bbolt magic")
    if version != VERSION:
        return Damage(page, offset, f"meta page has format version {version}, not {VERSION}")
    if checksum != fnv1a_64(body[:_CHECKED_SIZE]):
        return Damage(page, offset, "meta page has a wrong checksum")
    if page_size not in _PAGE_SIZES:
        return Damage(page, offset, f"meta page has page size {page_size}")
    return Meta(page, page_size, root, freelist, mark, txid)
