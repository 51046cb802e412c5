"""A salvage that lies, loses or makes things up fails its trial; one that is right does not."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from made_crash import MadeCrash, Records, database_of

from requorum.formats.mvcc import KeyValue, Revision
from requorum.lab.salvage_trials.drawn import LOST, Drawn, MemberHarm
from requorum.lab.salvage_trials.evidence import find_evidence
from requorum.lab.salvage_trials.inflict import damaged_copies
from requorum.lab.salvage_trials.judged import Case, Claims, Judged, judge
from requorum.lab.salvage_trials.recorded import db_of
from requorum.lab.salvage_trials.result_file import ResultFile
from requorum.lab.salvage_trials.truth import Truth, Written, replay

NOTHING = MemberHarm(db=(), wal=())
GONE = MemberHarm(db=(LOST,), wal=(LOST,))
NO_LOG = MemberHarm(db=(), wal=(LOST,))


@dataclass
class Judging:
    """Judges what is made of one crash; `harms` befall the members, in their order."""

    crash: MadeCrash
    directory: Path
    harms: tuple[MemberHarm, ...] = (NOTHING, NOTHING, NOTHING)
    flip_in: bytes = b""
    """A bit of these bytes is flipped wherever a database has them."""
    committed: int = 403

    def judge(
        self,
        *,
        claims: Claims | None = None,
        truth: Truth | None = None,
        change: Callable[[Records], Records] = lambda records: records,
    ) -> Judged:
        """Judge a result that holds the whole truth or another one, changed."""
        trial = Drawn(seed=1, version="3.5", other="3.6", load=0, harms=self.harms, common=None)
        damaged, _ = damaged_copies(self.crash.recorded, trial, self.directory)
        for path in damaged.values():
            self._flip(db_of(path))
        data = database_of(truth or self.crash.truth, 1, change=change)
        case = Case(
            truth=self.crash.truth,
            committed=self.committed,
            rows={},
            evidence=find_evidence(self.crash.recorded, damaged),
            result=ResultFile(data + hashlib.sha256(data).digest()),
            claims=claims or Claims(),
        )
        return judge(case)

    def _flip(self, db: Path) -> None:
        if self.flip_in and db.exists():
            db.write_bytes(db.read_bytes().replace(self.flip_in, flipped(self.flip_in)))


def flipped(data: bytes) -> bytes:
    """Return the bytes with one bit of their last one flipped."""
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.fixture
def judging(crash: MadeCrash, tmp_path: Path) -> Judging:
    """Return what judges results of the crash that all tests share."""
    return Judging(crash, tmp_path)


def kinds(judged: Judged) -> list[str]:
    """Return which rules were broken."""
    return [failure.split(":")[0] for failure in judged.failures]


def place_of(crash: MadeCrash, key: bytes) -> Revision:
    """Return the place of a living key's record."""
    return Revision(crash.truth.alive[key].mod_revision)


def last_key(crash: MadeCrash) -> bytes:
    """Return the key that was written last of those that live."""
    return max(crash.truth.alive.values(), key=lambda kv: kv.mod_revision).key


def without(place: Revision) -> Callable[[Records], Records]:
    """Return a change that leaves a record out."""
    return lambda records: [(at, w) for at, w in records if at != place]


def instead(place: Revision, **changes: object) -> Callable[[Records], Records]:
    """Return a change that puts a record's message otherwise."""
    return lambda records: [
        (at, replace(w, kv=replace(w.kv, **changes)) if at == place else w) for at, w in records
    ]


def test_the_truth_passes(judging: Judging) -> None:
    """All is proven, all is there, and nothing is said to be lost."""
    result = judging.judge()
    assert result.failures == ()
    assert result.needed == result.proven > 150
    assert (result.lost, result.doubtful, result.unknowable) == (0, 0, 0)
    assert not result.over_cautious


def test_saying_too_much_is_noticed(judging: Judging) -> None:
    """Where nothing is lost and something is said to be, that is counted, and is no failure."""
    result = judging.judge(claims=Claims(lost=((Revision(5), Revision(9)),)))
    assert result.failures == ()
    assert result.over_cautious


@pytest.mark.parametrize("said", [False, True])
def test_a_proven_record_must_be_there(judging: Judging, *, said: bool) -> None:
    """To call it lost is no excuse."""
    place = place_of(judging.crash, last_key(judging.crash))
    claims = Claims(lost=((place, place),)) if said else Claims()
    result = judging.judge(change=without(place), claims=claims)
    assert "proven and missing" in kinds(result)
    assert result.lost == 1


@pytest.mark.parametrize(
    "changes", [{"value": b"other"}, {"version": 99}, {"create_revision": 2}, {"lease": 9}]
)
def test_a_wrong_record(judging: Judging, changes: dict[str, object]) -> None:
    """Each field counts; and called doubtful, it may still not differ from what the log proves."""
    place = place_of(judging.crash, last_key(judging.crash))
    assert "wrong and not said to be doubtful" in kinds(
        judging.judge(change=instead(place, **changes))
    )


def test_what_the_log_proves_is_no_open_question(judging: Judging) -> None:
    """Called doubtful, a wrong record is still the wrong one where the log has the right one."""
    place = place_of(judging.crash, last_key(judging.crash))
    result = judging.judge(
        change=instead(place, value=b"x"), claims=Claims(doubtful=frozenset({place}))
    )
    assert kinds(result) == ["proven and missing"]


def test_an_older_state_must_be_said(judging: Judging) -> None:
    """Without logs, what no database has applied is lost: it must be said, and then may be."""
    judging.harms = (NO_LOG, GONE, GONE)
    older = replay(judging.crash.recorded.log[:380])
    assert "missing and not said to be" in kinds(judging.judge(truth=older))
    (judging.directory / "said").mkdir()
    judging.directory /= "said"
    end = Revision(older.revision + 1)
    result = judging.judge(truth=older, claims=Claims(lost=((end, None),)))
    assert result.failures == ()
    assert result.lost > 0


def test_what_nobody_acknowledged_need_not_be_said_to_be_lost(judging: Judging) -> None:
    """What only one log had can have been promised to nobody."""
    judging.harms = (NO_LOG, GONE, GONE)
    judging.committed = 380
    assert judging.judge(truth=replay(judging.crash.recorded.log[:380])).failures == ()


def test_an_older_state_is_wrong_where_the_log_goes_on(judging: Judging) -> None:
    """What can be replayed is proven."""
    judging.harms = (NOTHING, GONE, GONE)
    older = replay(judging.crash.recorded.log[:380])
    end = Revision(older.revision + 1)
    result = judging.judge(truth=older, claims=Claims(lost=((end, None),)))
    assert "proven and missing" in kinds(result)


def test_a_deleted_key_must_not_come_back(judging: Judging) -> None:
    """Neither silently, nor at all where its deletion is proven."""
    truth = judging.crash.truth
    place, tombstone = next(
        (at, w)
        for at, w in reversed(truth.records.items())
        if w.tombstone and w.kv.key not in truth.alive
    )
    result = judging.judge(change=without(place))
    assert "proven and missing" in kinds(result)
    assert "out of date although the last change is proven" in kinds(result)
    assert repr(tombstone.kv.key) in "".join(result.failures)


def test_a_value_that_nobody_can_know(judging: Judging) -> None:
    """There are no checksums in bbolt: a bit in the only copy changes what files can tell."""
    judging.harms = (NO_LOG, NO_LOG, NO_LOG)
    key, place = a_key_of_all_databases(judging.crash)
    value = judging.crash.truth.alive[key].value
    judging.flip_in = value
    older = replay(judging.crash.recorded.log[:398])
    claims = Claims(lost=((Revision(older.revision + 1), None),))
    result = judging.judge(truth=older, change=instead(place, value=flipped(value)), claims=claims)
    assert result.failures == ()
    assert result.unknowable == 1


def test_a_value_that_the_log_knows(judging: Judging) -> None:
    """With a log there is a witness: then the same is a failure."""
    judging.harms = (NOTHING, NO_LOG, NO_LOG)
    key, place = a_key_of_all_databases(judging.crash)
    value = judging.crash.truth.alive[key].value
    judging.flip_in = value
    result = judging.judge(change=instead(place, value=flipped(value)))
    assert "wrong and not said to be doubtful" in kinds(result)


def test_nothing_may_be_made_up(judging: Judging) -> None:
    """A record that no file holds, at a revision that never was."""
    made_up = Revision(judging.crash.truth.revision + 1)
    kv = KeyValue(b"made-up", made_up.main, made_up.main, 1, b"")
    result = judging.judge(
        change=lambda records: [*records, (made_up, Written(kv, tombstone=False))]
    )
    assert kinds(result) == ["wrong and not said to be doubtful"]


def test_leases(judging: Judging) -> None:
    """One that was granted is there; one that was revoked is not."""
    truth = judging.crash.truth
    lost = replace_in(truth, granted={})
    assert "leases" in kinds(judging.judge(truth=lost))
    (judging.directory / "revived").mkdir()
    judging.directory /= "revived"
    revived = replace_in(truth, revoked={})
    assert "leases" in kinds(judging.judge(truth=revived))


def replace_in(truth: Truth, **changes: object) -> Truth:
    """Return a truth that says otherwise in some places."""
    return replace(truth, **changes)


def a_key_of_all_databases(crash: MadeCrash) -> tuple[bytes, Revision]:
    """Return a living key whose record all databases have, and its place."""
    common = frozenset.intersection(*(m.records for m in crash.recorded.members.values()))
    return next(
        (kv.key, Revision(kv.mod_revision))
        for kv in crash.truth.alive.values()
        if Revision(kv.mod_revision) in common and len(kv.value) > 20
    )
