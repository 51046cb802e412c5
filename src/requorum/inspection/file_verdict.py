"""What a database file is worth: may it be restored, how, and if not, why.

What `snapshot restore` of each minor does, found by doing it (3.4.23, 3.5.16, 3.6.14, 3.7.1):

- The SHA-256 differs: refused. None behind the database: refused too ("snapshot missing hash").
  With `--skip-hash-check` both are restored, and a changed value is served as if it were right.
  Anything behind the hash makes it one that differs, or none, depending on how much it is.
- A page is damaged, or the file is cut: a panic ("freepages: failed to get all reachable pages"),
  or a fault of the whole process, also in `snapshot status`. 3.4 does not see keys that are out of
  order or are no revisions, and restores the file.
- A record does not decode: restored, and etcd ends as soon as it starts on it ("failed to
  unmarshal mvccpb.KeyValue"); 3.4 ends while it restores. `snapshot status` sees it since 3.6.
- One meta page is damaged: restored from the other one without a word. In a snapshot both lead to
  the same; in a db the other one is the transaction before. Both damaged: a panic.
- A record contradicts itself: restored and served.

So it can be restored where all of it decodes and the hash matches or there is none to match.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from requorum.domain.units import counted
from requorum.formats.backend import BackendState
from requorum.formats.bbolt.meta import Metas, read_metas
from requorum.formats.beside import Beside, Pending
from requorum.formats.snapshot_file import (
    TRAILER_SIZE,
    CheckedTrailer,
    check_trailer,
    split_trailer,
)
from requorum.formats.source import Head, Source
from requorum.inspection.database_content import (
    NO_ETCD_BUCKETS,
    DatabaseContent,
    Findings,
    examine_content,
)
from requorum.inspection.record_leaf import has_record_leaf


class Verdict(StrEnum):
    """What can be done with a file, from best to worst."""

    RESTORABLE = "restorable"
    WITHOUT_HASH = "restorable-without-hash"
    SALVAGEABLE = "salvageable"
    NOT_USABLE = "not-usable"


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """The verdict with its reasons, in words for an operator, and all that it rests on.

    `content` is None where neither meta page is valid: then nothing says where the trees begin.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    size: int
    trailer: CheckedTrailer
    metas: Metas
    content: DatabaseContent | None

    @property
    def state(self) -> BackendState | None:
        """Return what the buckets say; None where they cannot be read, or are not etcd's."""
        return None if self.content is None else self.content.state

    @property
    def index(self) -> int:
        """Return the consistent index: the last log entry that is in it."""
        return 0 if self.state is None else self.state.consistent_index

    @property
    def revision(self) -> int:
        """Return the revision of its key space."""
        return 0 if self.state is None else self.state.current_revision

    @property
    def restorable(self) -> bool:
        """Return whether etcd's own `snapshot restore` makes of it what it was made from."""
        return self.verdict in {Verdict.RESTORABLE, Verdict.WITHOUT_HASH}


def judge_file(
    source: Source,
    trailer: Pending[CheckedTrailer] | None = None,
    content: Pending[DatabaseContent] | None = None,
) -> FileVerdict:
    """Check the trailer, every page and every record. Damage makes a verdict, never an error.

    Reads the whole source as one buffer: give it a mapping, not a file far away. `trailer` and
    `content` are `check_trailer` and `examine_content`, where the caller has begun with them.
    """
    trailer = trailer or Beside(lambda: check_trailer(source))
    database, examined = Head(source, split_trailer(source).db_size), None
    metas = read_metas(database)
    if metas.valid:
        examined = content.result() if content else examine_content(database)
    checked = trailer.result()
    verdict = _verdict(database, metas, examined, checked)
    reasons = tuple(_reasons(verdict, source.size, checked, metas, examined))
    return FileVerdict(verdict, reasons, source.size, checked, metas, examined)


def _verdict(
    database: Source, metas: Metas, content: DatabaseContent | None, trailer: CheckedTrailer
) -> Verdict:
    if content is None or content.damages.count:
        decoded = 0 if content is None else content.records - content.undecoded_records
        readable = decoded or has_record_leaf(database, metas.page_size)
        return Verdict.SALVAGEABLE if readable else Verdict.NOT_USABLE
    if content.state is None:
        return Verdict.NOT_USABLE
    if trailer.kind == "matches":
        return Verdict.RESTORABLE
    changed = trailer.kind == "differs" and trailer.sealed_size is None
    return Verdict.SALVAGEABLE if changed else Verdict.WITHOUT_HASH


def _reasons(
    verdict: Verdict,
    size: int,
    trailer: CheckedTrailer,
    metas: Metas,
    content: DatabaseContent | None,
) -> Iterator[str]:
    cut = None if content is None else content.meta.cut_at(trailer.db_size)
    yield from _about_damage(verdict, content, cut)
    if cut is None:
        # Of a cut file it says nothing new, and no flag makes etcd restore it.
        yield from _about_trailer(size, trailer, content)
    yield from _about_metas(trailer, metas)
    if content is not None and content.contradictions.count:
        yield (
            f"{content.contradictions.count} records contradict themselves, as none does that etcd "
            f"wrote; it serves them all the same: {content.contradictions.shown[0]}"
        )


def _about_damage(
    verdict: Verdict, content: DatabaseContent | None, cut: str | None
) -> Iterator[str]:
    if cut is not None:
        yield cut
    if content is None:
        yield "neither meta page is valid, so nothing says where its trees begin"
    elif content.damages.count:
        yield from _about_places(content.damages, cut)
        if content.undecoded_records:
            yield f"{content.undecoded_records} records cannot be read; etcd ends at such a record"
    elif content.state is None:
        yield NO_ETCD_BUCKETS
    else:
        yield "every page is sound and every record decodes"
    if verdict is Verdict.NOT_USABLE and (content is None or content.damages.count):
        yield "no page with records is left in it"


def _about_places(damages: Findings, cut: str | None) -> Iterator[str]:
    """Yield how many places are damaged; a cut is one of them, and told already."""
    others = [damage for damage in damages.shown if damage.what != cut]
    count = damages.count - (len(damages.shown) - len(others))
    if others:
        more = "" if cut is None else "besides, "
        places = counted(count, "place is", "places are")
        yield f"{more}{places} damaged, the first: {others[0]}"


def _about_trailer(
    size: int, trailer: CheckedTrailer, content: DatabaseContent | None
) -> Iterator[str]:
    sealed = trailer.sealed_size
    if sealed is not None and sealed < size:
        yield (
            f"its first {sealed} bytes are a snapshot as it was saved, and {size - sealed} more "
            f"were appended: cut it with `head -c {sealed}`, or restore it with --skip-hash-check"
        )
    elif trailer.kind == "matches":
        yield "its SHA-256 matches"
    elif trailer.kind == "differs":
        yield (
            "its SHA-256 does not match: something was changed after it was saved, and nothing "
            "says what; with --skip-hash-check etcd restores and serves what was changed"
        )
    else:
        left = 0 if content is None else size - content.meta.logical_size
        cut = f"{left} bytes of its SHA-256 are left" if 0 < left < TRAILER_SIZE else ""
        yield f"{cut or 'it has no SHA-256'}: etcd restores it with --skip-hash-check only"


def _about_metas(trailer: CheckedTrailer, metas: Metas) -> Iterator[str]:
    if len(metas.valid) != 1:
        return
    damage = metas.damages[0]
    other = "the same" if trailer.kind != "absent" else "perhaps the transaction before"
    yield f"one meta page is damaged, etcd uses the other one, {other}: {damage}"
