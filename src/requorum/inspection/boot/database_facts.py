"""What of a database decides whether etcd opens it and starts on it.

Source: bbolt db.go (Open, mmap, freepages), etcd server/storage/mvcc/kvstore.go (restore); and
what real releases did with damaged files, see tests/boot.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from requorum.errors import DamagedInput
from requorum.formats.backend import BackendState, read_backend
from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.damage import Damage, DamageLog
from requorum.formats.bbolt.meta import Meta, Metas, read_metas
from requorum.formats.bbolt.page import ELEMENT_SIZE, read_header
from requorum.formats.bbolt.walk import BEHIND_THE_END
from requorum.formats.mvcc import REVISION_SIZE, TOMBSTONE_SIZE
from requorum.formats.records import NO_RECORD
from requorum.formats.source import BufferSource, Source
from requorum.inspection.database_content import Findings, examine_content
from requorum.inspection.file_verdict import FileVerdict, judge_file

_WORDS_OF_BBOLT = {
    "no bbolt magic": "invalid database",
    "format version": "version mismatch",
    "wrong checksum": "checksum error",
}
_OF_META_PAGES = "meta page says"
"""What bbolt does not look at: the header of a meta page, and how far the file should reach."""

_PADDED_MAX = 512 << 20
"""A larger file that is cut within a page is not copied into memory for the rest of that page."""

_OF_ALL_RECORDS = "bucket key"
"""That its last record cannot be read. Its pages and records are judged one by one besides."""

_OUTSIDE = "data does not lie within its page"
_VALUE_OUTSIDE = "a value reaches beyond its page"
_RESIZED = "the record has a key of"
_UNSEEN = (
    NO_RECORD,
    "the revision comes twice",
    "element has flags",
    "elements overlap",
    "zero-length key",
    "key of more than",
    "a plain key in the root bucket",
    "is neither in use nor free",
    "frees page",
    "in an inline bucket",
)


class Harm(Enum):
    """What a damage does to etcd when it starts."""

    CUT = "bbolt maps the file, and the kernel ends it where it reads behind the file's end"
    DIES = "bbolt dies of it when it opens the file"
    ORDER = "bbolt 1.3.7 and later die of it when they open the file, earlier ones do not see it"
    RECORD = "etcd dies of it when it reads all records"
    ROW = "etcd dies of it when it reads the small buckets"
    UNSEEN = "etcd does not see it when it starts"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """One database file.

    `open_error` is bbolt's word for why it does not open, None where it does. `damages` are the
    first thousand of `damage_count`, without those of the meta pages themselves. `torn` is the
    first of them on the page within which a cut file ends, or on one that goes on there. `verdict`
    is None where the pages were not looked at, or there are none: bbolt takes an empty file for a
    new one.
    """

    size: int
    metas: Metas | None = None
    open_error: str | None = None
    damages: tuple[Damage, ...] = ()
    damage_count: int = 0
    torn: Damage | None = None
    state: BackendState | None = None
    verdict: FileVerdict | None = None

    @property
    def index(self) -> int:
        """Return the consistent index, 0 where none can be read."""
        return self.state.consistent_index if self.state else 0

    @property
    def meta(self) -> Meta | None:
        """Return the meta page that bbolt takes."""
        return self.metas.valid[0] if self.metas is not None and self.metas.valid else None

    @property
    def cut(self) -> str | None:
        """Return in words that the file ends before its pages do, None where it does not."""
        return self.meta.cut_at(self.size) if self.meta is not None else None

    @property
    def ends_within_a_page(self) -> bool:
        """Return whether it is cut, and not between two pages."""
        return self.cut is not None and self.size % self.page_size > 0

    @property
    def page_size(self) -> int:
        """Return the size of a page, as far as anything says it."""
        return self.metas.page_size if self.metas is not None else 4096

    @property
    def sound(self) -> bool:
        """Return whether nothing is wrong that etcd or its tools mind, one bad meta page aside."""
        return self.open_error is None and not self.damage_count and self.cut is None

    def damage_that(self, *harms: Harm) -> Damage | None:
        """Return the first damage that does one of those harms."""
        return next((d for d in self.damages if harm_of(d) in harms), None)


NO_DATABASE = DatabaseFacts(size=0)
"""What etcd makes where there is none."""


def harm_of(damage: Damage) -> Harm:
    """Return what etcd makes of a damage."""
    what = damage.what
    if what.endswith(BEHIND_THE_END):
        return Harm.CUT
    if any(words in what for words in _UNSEEN):
        return Harm.UNSEEN
    if what.startswith(_OF_ALL_RECORDS):
        return Harm.UNSEEN
    if what.startswith("bucket "):
        return Harm.ROW
    if what.startswith("the record ") or what == _VALUE_OUTSIDE:
        return Harm.RECORD
    return Harm.ORDER if what.startswith("key is ") else Harm.DIES


def examine(source: Source) -> DatabaseFacts:
    """Look at every page and every record. Damage is a fact, never an error."""
    metas = read_metas(source)
    error = _open_error(metas, source.size)
    if error is not None or source.size == 0:
        return DatabaseFacts(size=source.size, metas=metas, open_error=error)
    try:
        verdict = judge_file(source)
    except DamagedInput as failed:
        return DatabaseFacts(
            size=source.size, metas=metas, damages=(Damage(0, 0, failed.message),), damage_count=1
        )
    mapped = _as_mapped(source, metas.current)
    content = verdict.content if mapped is source else examine_content(mapped)
    found = content.damages if content is not None else Findings((), 0)
    damages = tuple(
        _told_apart(damage, mapped, metas.page_size)
        for damage in found.shown
        if _OF_META_PAGES not in damage.what
    )
    return DatabaseFacts(
        size=source.size,
        metas=metas,
        damages=damages,
        damage_count=len(damages) + found.count - len(found.shown),
        torn=_torn(damages, source.size, mapped, metas.page_size),
        state=content.state if content is not None else None,
        verdict=verdict,
    )


def _as_mapped(source: Source, meta: Meta) -> Source:
    """Return the file as bbolt sees it: what a cut has left of a page goes on with zeros.

    The kernel maps whole pages. So bbolt may read a page that was cut where nothing was.
    """
    left = source.size % meta.page_size
    if not left or meta.cut_at(source.size) is None or source.size > _PADDED_MAX:
        return source
    return BufferSource(bytes(source.read(0, source.size)) + bytes(meta.page_size - left))


def _torn(damages: Sequence[Damage], size: int, mapped: Source, page_size: int) -> Damage | None:
    """Return the first damage on the page that goes on with zeros."""
    if mapped.size == size:
        return None
    last = size // page_size
    for damage in damages:
        overflow = read_header(mapped, damage.page * page_size).overflow
        if damage.page <= last <= damage.page + overflow:
            return damage
    return None


def look_at(source: Source) -> DatabaseFacts:
    """Look at the metas and the small buckets alone: kilobytes, whatever the size."""
    metas = read_metas(source)
    error = _open_error(metas, source.size)
    facts = DatabaseFacts(size=source.size, metas=metas, open_error=error)
    if error is not None or source.size == 0:
        return facts
    log = DamageLog()
    try:
        state = read_backend(Database(source), log)
    except DamagedInput as failed:
        return replace(facts, damages=(Damage(0, 0, failed.message),), damage_count=1)
    return replace(facts, damages=tuple(log.kept), damage_count=log.total, state=state)


def _open_error(metas: Metas, size: int) -> str | None:
    """Return what bbolt says where it does not open."""
    if size == 0:
        return None
    if size < 2 * metas.page_size:
        return "file size too small"
    if metas.valid:
        return None
    first = str(metas.damages[0])
    return next((said for words, said in _WORDS_OF_BBOLT.items() if words in first), first)


def _told_apart(damage: Damage, source: Source, page_size: int) -> Damage:
    """Return the damage, with words of its own where etcd sees it later than bbolt would.

    bbolt compares keys when it opens a file, and looks at no value: one that leaves its page alone
    is read when all records are. So is one that begins elsewhere, because its key has another size.
    """
    if not damage.what.startswith((_OUTSIDE, NO_RECORD)):
        return damage
    try:
        start = damage.page * page_size
        span = (read_header(source, start).overflow + 1) * page_size
        element = memoryview(bytes(source.read(damage.offset, ELEMENT_SIZE))).cast("I")
    except DamagedInput:
        return damage
    _, position, key_size, _ = element
    if damage.what == NO_RECORD:
        resized = key_size not in (REVISION_SIZE, TOMBSTONE_SIZE)
        return replace(damage, what=f"{_RESIZED} {key_size} bytes") if resized else damage
    key_is_inside = start < damage.offset + position + key_size <= start + span
    return replace(damage, what=_VALUE_OUTSIDE) if key_is_inside else damage
