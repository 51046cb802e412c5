"""The statement: proven none, or exactly which range is not."""

from collections.abc import Mapping

import pytest
from made import entries_of, log

from requorum.domain.loss import Loss
from requorum.formats.raftpb import Entry, EntryType
from requorum.formats.wire import field_bytes, field_varint
from requorum.inspection.completed_log import CompletedLog, complete_log
from requorum.inspection.loss_proof import prove_loss


def completed(terms: str = "11111") -> CompletedLog:
    """Return the log of one member."""
    found = complete_log({"etcd1": log(terms)})
    assert found is not None
    return found


def loss(
    doubts: Mapping[str, tuple[str, ...]],
    *,
    voters: int = 3,
    known: int = 3,
    held: int | None = None,
    base: int = 2,
    disputed: tuple[str, ...] = (),
    empty: tuple[int, ...] = (),
    completed_log: CompletedLog | None = None,
) -> Loss:
    """Prove the loss of an image made of the db at `base` and a log of five entries."""
    return prove_loss(
        voters=voters,
        doubts=doubts,
        known_commit=known,
        held_commit=known if held is None else held,
        log=completed_log or completed(),
        base_index=base,
        base_revision=base + 1,
        base_disputed=disputed,
        empty_entries=empty,
    )


@pytest.mark.parametrize(
    ("voters", "whole", "proven"),
    [
        *((1, 0, False), (1, 1, True), (2, 0, False), (2, 1, True), (3, 1, False), (3, 2, True)),
        *((4, 1, False), (4, 2, True), (5, 2, False), (5, 3, True), (7, 3, False), (7, 4, True)),
    ],
)
def test_enough_whole_logs_meet_every_quorum(voters: int, whole: int, *, proven: bool) -> None:
    """As many as n - q + 1."""
    doubts: dict[str, tuple[str, ...]] = {f"etcd{n}": () for n in range(whole)}
    found = loss({**doubts, "torn": ("it is torn",)}, voters=voters)
    assert found.proven_none is proven
    if proven:
        assert f"{whole} of {voters} voters" in found.grounds[0]
    else:
        assert found.grounds == ("torn: it is torn",)


def test_too_few_leave_all_behind_the_commit_unproven() -> None:
    """From the entry behind the last one known to be committed and held, without an end."""
    (found,) = loss({"etcd1": ()}).unproven
    assert (found.first_index, found.last_index) == (4, None)
    assert (found.first_revision, found.last_revision) == (5, None)
    assert "only 1 whole logs of 3 voters (etcd1), 2 are needed" in found.reason


def test_a_commit_that_the_log_may_not_hold_is_no_floor() -> None:
    """Its entry is lost, and the winner may never have had it."""
    (found,) = loss({"etcd1": ()}, known=5, held=1).unproven
    assert (found.first_index, found.first_revision) == (2, 3)


def test_a_commit_behind_the_end_is_gone() -> None:
    """It was committed, and no readable file has it."""
    reasons = [r for r in loss({}, known=8).unproven if "no readable file" in r.reason]
    assert [(r.first_index, r.last_index, r.first_revision) for r in reasons] == [(6, None, 7)]
    assert "entries 6 to 8" in reasons[0].reason


def test_replayed_gaps_are_stated_even_with_enough_witnesses() -> None:
    """What follows a hole may have decided otherwise."""
    found = loss({"a": (), "b": ()}, empty=(4, 5))
    assert not found.proven_none
    assert [(r.first_index, r.first_revision) for r in found.unproven] == [(4, 5)]


def test_a_disputed_base_leaves_everything_in_it_unproven() -> None:
    """One of two databases has a wrong value somewhere."""
    (found,) = loss({"a": (), "b": ()}, disputed=("a", "b")).unproven
    assert (found.first_index, found.last_index, found.last_revision) == (1, 2, 3)
    assert "a and b differ" in found.reason


def test_a_base_ahead_of_the_log_is_the_end() -> None:
    """What it applied was committed."""
    (found,) = loss({}, known=9, base=9).unproven
    assert (found.first_index, found.first_revision) == (10, 11)


def with_entry(index: int, data: bytes, kind: EntryType = EntryType.NORMAL) -> CompletedLog:
    """Return a log of five entries, one of them something else than a put."""
    entries = entries_of("11111")
    entries[index] = Entry(kind, 1, index, data)
    return CompletedLog(
        winner="etcd1",
        entries=entries,
        borrowed={},
        gaps=(),
        first_index=1,
        last_index=5,
        last_term=1,
    )


LEASED = field_bytes(4, field_bytes(1, b"k") + field_varint(3, 7))
DELETE = field_bytes(5, field_bytes(1, b"k"))
ALARM = field_bytes(10, field_varint(1, 1))


@pytest.mark.parametrize(
    ("data", "kind", "revision"),
    [
        (LEASED, EntryType.NORMAL, 5),
        (DELETE, EntryType.NORMAL, 5),
        (b"", EntryType.NORMAL, 5),
        (b"", EntryType.CONF_CHANGE, 5),
        (ALARM, EntryType.NORMAL, 4),
    ],
)
def test_revisions_are_a_lower_bound(data: bytes, kind: EntryType, revision: int) -> None:
    """Only what must have been a revision counts, and nothing once puts may be refused."""
    (found,) = loss({"etcd1": ()}, known=4, completed_log=with_entry(3, data, kind)).unproven
    assert found.first_index == 5
    assert found.first_revision == revision
