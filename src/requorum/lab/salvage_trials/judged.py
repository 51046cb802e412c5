"""Whether all that is proven is in the result, nothing in it is wrong, and what is lost is said.

Pure. The rules:

- What evidence proves is in the result, as far as the result's history goes back.
- A record that is not as it was must be called doubtful; or nobody can know better: it stands in a
  file like this, and what is true stands nowhere.
- What is missing, and what is out of date because something is missing, lies in a stated range.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from pydantic import BaseModel, ConfigDict

from requorum.formats.mvcc import Revision
from requorum.lab.salvage_trials.evidence import Evidence
from requorum.lab.salvage_trials.recorded import SmallRows
from requorum.lab.salvage_trials.result_file import ResultFile, state_at
from requorum.lab.salvage_trials.truth import Truth, Written

_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What salvage says of its own result.

    `doubtful` records are in it, and may be wrong, superseded or deleted. `lost`: first and last
    place in history, both inclusive, where records may be missing; None: all that came after, and
    then other buckets may have changed as well. `buckets`: other buckets of which rows may be
    missing, wrong or out of date.
    """

    doubtful: frozenset[Revision] = frozenset()
    lost: tuple[tuple[Revision, Revision | None], ...] = ()
    buckets: frozenset[bytes] = frozenset()

    @property
    def something_is_lost(self) -> bool:
        """Return whether more is said than that later changes cannot be known."""
        return any(last is not None for _, last in self.lost)

    def doubts(self, bucket: bytes) -> bool:
        """Return whether rows of a bucket may be other ones by what is said."""
        return bucket in self.buckets or any(last is None for _, last in self.lost)

    def covers(self, at: Revision) -> bool:
        """Return whether a place lies in a range that is said to be lost."""
        return any(first <= at and (last is None or at <= last) for first, last in self.lost)


class Judged(BaseModel):
    """Counts of records, and every rule that was broken, in words.

    `needed` are those that a whole store with the result's history has; of them `proven` by what
    was left, `lost` are not in the result. `unknowable` are wrong ones of which nobody can know.
    `over_cautious`: something is said to be lost although nothing is.
    """

    model_config = ConfigDict(frozen=True)

    needed: int
    proven: int
    lost: int
    doubtful: int
    unknowable: int
    over_cautious: bool
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that is judged. `rows`: the true rows of other buckets, by bucket.

    `committed` is the last entry that can have been acknowledged, and of which anything is left
    to be seen. Whatever is proven of what lies behind it must be in the result; but that it is
    lost need not be said.
    """

    truth: Truth
    committed: int
    rows: SmallRows
    evidence: Evidence
    result: ResultFile
    claims: Claims


def judge(case: Case) -> Judged:
    """Judge one result."""
    return _Judge(case).judged()


class _Judge:
    def __init__(self, case: Case) -> None:
        self._case = case
        self._truth, self._evidence = case.truth, case.evidence
        self._result, self._claims = case.result, case.claims
        self._compacted = max(case.result.state.compact_revision, 0)
        self._proven = case.evidence.proves(case.truth)
        self._needed = case.truth.needed_at(self._compacted)
        self._wrong = {
            at: w for at, w in case.result.records.items() if case.truth.records.get(at) != w
        }
        revisions = (r for i, r in self._truth.revision_of.items() if i <= case.committed)
        self._last_acknowledged = max(revisions, default=1)
        self._unknowable = {at for at, w in self._wrong.items() if self._is_unknowable(at, w)}

    def judged(self) -> Judged:
        lost = [at for at in self._needed if at not in self._result.records]
        return Judged(
            needed=len(self._needed),
            proven=len(self._proven & self._needed.keys()),
            lost=len(lost),
            doubtful=len(self._claims.doubtful),
            unknowable=len(self._unknowable),
            over_cautious=not lost and not self._wrong and self._claims.something_is_lost,
            failures=tuple(self._failures()),
        )

    def _failures(self) -> Iterator[str]:
        yield from self._result.troubles
        yield from _first("wrong and not said to be doubtful", self._wrong_records())
        yield from _first("proven and missing", self._proven_and_missing())
        yield from _first("placed by the log and missing", self._placed_and_missing())
        yield from _first("missing and not said to be", self._missing_unsaid())
        yield from _first(
            "out of date although the last change is proven", self._stale(proven=True)
        )
        yield from _first("out of date and not said to be", self._stale(proven=False))
        yield from _first("leases", self._leases())
        for name, rows in self._case.rows.items():
            yield from _first(f"rows of {name.decode()}", self._rows(name, rows))

    def _is_unknowable(self, at: Revision, written: Written) -> bool:
        """Return whether a file holds it like this, in form, and nothing says what is true."""
        in_file = self._evidence.holds(written.row(at)) and has_form(at, written)
        return in_file and at not in self._proven

    def _wrong_records(self) -> Iterator[str]:
        # What is replayed onto a record that is wrong has its numbers from there.
        tainted = {self._wrong[at].kv.key for at in self._unknowable}
        for at, written in self._wrong.items():
            follows = written.kv.key in tainted and self._same_content(at, written)
            if not (at in self._unknowable or at in self._claims.doubtful or follows):
                true = self._truth.records.get(at)
                yield f"{_shown(at, written)}, true is {_shown(at, true) if true else 'nothing'}"

    def _same_content(self, at: Revision, written: Written) -> bool:
        true = self._truth.records.get(at)
        if true is None or true.tombstone != written.tombstone:
            return False
        ours, theirs = written.kv, true.kv
        return (ours.key, ours.value, ours.lease) == (theirs.key, theirs.value, theirs.lease)

    def _proven_and_missing(self) -> Iterator[str]:
        for at in self._required:
            right = self._result.records.get(at) == self._truth.records[at]
            if not (right or self._is_open_question(at) or self._has_doubtful_numbers(at)):
                yield _shown(at, self._truth.records[at])

    @cached_property
    def _required(self) -> frozenset[Revision]:
        """Return what must be there: not what was compacted away, even if some page has it yet."""
        compacted = max(self._compacted, self._truth.compacted)
        return self._proven & self._truth.needed_at(compacted).keys()

    def _placed_and_missing(self) -> Iterator[str]:
        """Yield puts whose content the log proves: their numbers may be wrong, if that is said."""
        compacted = max(self._compacted, self._truth.compacted)
        needed = self._truth.needed_at(compacted)
        for revision in self._evidence.placed.values():
            at = Revision(revision)
            found = self._result.records.get(at)
            if at in needed and (found is None or not self._same_content(at, found)):
                yield _shown(at, needed[at])

    def _is_open_question(self, at: Revision) -> bool:
        """Return whether two files contradict each other there, no log decides, and it is said."""
        in_log = at.main in self._replayed_mains
        return at in self._wrong and at in self._claims.doubtful and not in_log

    def _has_doubtful_numbers(self, at: Revision) -> bool:
        """Return whether a record is right but for its numbers, they are doubtful, and must be.

        What they rest on stands in damaged trees: that nothing of it is missing can be seen only
        by who knows how they were. From the log's first entry on, everybody can.
        """
        found = self._result.records.get(at)
        if found is None or at not in self._claims.doubtful or at in self._evidence.records:
            return False
        return at.main not in self._mains_from_the_start and self._same_content(at, found)

    @cached_property
    def _mains_from_the_start(self) -> frozenset[int]:
        revision_of = self._truth.revision_of
        entries = self._evidence.replayable_from_the_start
        return frozenset(revision_of[i] for i in entries if i in revision_of)

    @cached_property
    def _replayed_mains(self) -> frozenset[int]:
        revision_of = self._truth.revision_of
        return frozenset(revision_of[i] for i in self._evidence.replayable if i in revision_of)

    def _missing_unsaid(self) -> Iterator[str]:
        for at, written in self._needed.items():
            known = at in self._required or at in self._result.records
            if not known and at.main <= self._last_acknowledged and not self._claims.covers(at):
                yield _shown(at, written)

    def _stale(self, *, proven: bool) -> Iterator[str]:
        """Yield keys that are alive in the result otherwise than they were in the end."""
        last_true, last_here = _last(self._truth.records), _last(self._result.records)
        for key, kv in state_at(self._result.records, self._result.state.current_revision).items():
            here, true = last_here[key], last_true.get(key)
            if self._truth.alive.get(key) == kv or here in self._wrong or true is None:
                continue
            said = here in self._claims.doubtful or self._claims.covers(true)
            said = said or true.main > self._last_acknowledged
            # The last change stands there under another key, and nobody can know better.
            said = said or true in self._unknowable
            if (true in self._proven) == proven and (proven or not said):
                yield f"{key!r} as of {_at(here)}, changed at {_at(true)}"

    def _leases(self) -> Iterator[str]:
        truth, entries = self._truth, self._evidence.entries
        for lease in truth.leases:
            proven = lease in self._evidence.leases or truth.granted[lease] in entries
            said = self._is_said_of_lease(truth.granted[lease])
            if lease not in self._result.leases and (proven or not said):
                yield f"{lease:x} is missing, its grant is {'' if proven else 'not '}proven"
        for lease, found in self._result.leases.items():
            ttl = truth.ttls.get(lease)
            if ttl != found.ttl and not self._claims.doubts(b"lease"):
                yield f"{lease:x} has {found.ttl} s, true are {ttl}"
            by = truth.revoked.get(lease)
            if by is not None and (by in entries or not self._is_said_of_lease(by)):
                yield f"{lease:x} is there, entry {by} revoked it"

    def _is_said_of_lease(self, index: int) -> bool:
        """Return whether it is said, or need not be, that an entry's change of leases is lost."""
        return self._claims.doubts(b"lease") or index > self._case.committed

    def _rows(self, name: bytes, true: Mapping[bytes, frozenset[bytes]]) -> Iterator[str]:
        found, said = self._result.rows(name), self._claims.doubts(name)
        for key, values in true.items():
            proven = any(self._evidence.holds(key + value) for value in values)
            if found.get(key) not in values and (proven or not said):
                yield f"{key!r} is missing or wrong, and is {'' if proven else 'not '}proven"
        for key in found.keys() - true.keys():
            if not said:
                yield f"{key!r} never was"


def has_form(at: Revision, written: Written) -> bool:
    """Return whether etcd can have written this: a put repeats its revision in its value."""
    kv = written.kv
    if written.tombstone:
        return bool(kv.key)
    versions = range(1, at.main - kv.create_revision + 2)
    return bool(kv.key) and kv.mod_revision == at.main and kv.version in versions


def _last(records: Mapping[Revision, Written]) -> dict[bytes, Revision]:
    """Return the place of each key's last record; `records` are in order."""
    return {written.kv.key: at for at, written in records.items()}


def _first(what: str, found: Iterator[str]) -> Iterator[str]:
    """Yield the first findings of a kind, with how many there are."""
    every = list(found)
    if every:
        shown = "; ".join(every[:_SHOWN])
        yield f"{what}: {len(every)}: {shown}{' …' if len(every) > _SHOWN else ''}"


def _shown(at: Revision, written: Written) -> str:
    kv = written.kv
    if written.tombstone:
        return f"{_at(at)} deletes {kv.key!r}"
    numbers = f"created {kv.create_revision}, version {kv.version}, lease {kv.lease:x}"
    return f"{_at(at)} {kv.key!r} ({numbers}, {len(kv.value)} B)"


def _at(at: Revision) -> str:
    return f"{at.main}.{at.sub}"
