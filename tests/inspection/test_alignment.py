"""A database held against its log: what agrees, what is found, and how long it takes."""

from dataclasses import replace
from random import Random

import pytest
from mvcc_model import MvccModel, delete_of, put_of, txn_of

from requorum.formats.raftpb import Entry, EntryType
from requorum.formats.wire import field_bytes, field_varint
from requorum.inspection.alignment import (
    Alignment,
    Change,
    RevisionChanges,
    align,
    effect_of,
    in_range,
    turns_puts_down,
)

SEEDS = range(80)


def history(seed: int, *, ambiguous: bool = False) -> MvccModel:
    """Return a random history that ends with two plain puts, which nothing can hide behind.

    A put with ignore_value repeats the revision before it: which of the two is missing, and
    whether the second was ever there, cannot be told. Only `ambiguous` histories have it.
    """
    model = MvccModel()
    model.run(Random(seed), 40, ambiguous=ambiguous)
    model.put(b"a", model.new_value())
    model.put(b"b", model.new_value())
    return model


def compare(
    log: list[Entry], revisions: list[RevisionChanges], *, oldest: int = 1, strict: bool = True
) -> Alignment:
    """Compare a log, newest first, with revisions, oldest first."""
    return align(log, iter(revisions[::-1]), oldest_revision=oldest, strict=strict)


def certain_revisions(model: MvccModel) -> list[int]:
    """Return the places in `revisions` that plain puts made."""
    return list(model.certain.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_history_agrees_with_itself(seed: int) -> None:
    """Whatever was applied, the database that came of it does not contradict the log."""
    model = history(seed, ambiguous=True)
    found = compare(model.backwards, model.revisions)
    assert found.contradiction is None
    assert not found.undecided
    assert found.revisions == len(model.revisions)


@pytest.mark.parametrize("seed", SEEDS)
def test_any_window_of_the_log_agrees(seed: int) -> None:
    """Segments are purged and revisions compacted: what is left still agrees."""
    model, random = history(seed, ambiguous=True), Random(seed)
    entries = model.backwards[: random.randint(1, len(model.log))]
    compacted = random.randint(1, model.revision)
    kept = [group for group in model.revisions if group.revision > compacted]
    assert compare(entries, model.revisions).agrees
    assert compare(model.backwards, kept, oldest=compacted).agrees
    assert compare(entries, kept, oldest=compacted).agrees


@pytest.mark.parametrize("seed", SEEDS)
def test_a_flipped_value_or_key_is_found(seed: int) -> None:
    """A bit in any record that a plain put made contradicts the log."""
    model, random = history(seed), Random(seed)
    place = random.choice(certain_revisions(model))
    group = model.revisions[place]
    (change,) = group.changes
    assert change.value is not None
    for wrong in (
        replace(change, value=change.value[:-1] + b"?"),
        replace(change, key=change.key + b"?"),
        replace(change, value=None),
    ):
        damaged = [*model.revisions]
        damaged[place] = RevisionChanges(group.revision, (wrong,))
        found = compare(model.backwards, damaged)
        assert found.contradiction is not None, f"{wrong} passes"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_missing_revision_is_found(seed: int) -> None:
    """A write of a plain put that is not in the database contradicts the log."""
    model, random = history(seed), Random(seed)
    place = random.choice(certain_revisions(model))
    assert not compare(
        model.backwards, model.revisions[:place] + model.revisions[place + 1 :]
    ).agrees


@pytest.mark.parametrize("seed", SEEDS)
def test_a_revision_too_many_is_found(seed: int) -> None:
    """A revision that stands there twice contradicts the log: its value was put once."""
    model, random = history(seed), Random(seed)
    place = random.choice(certain_revisions(model)[1:])
    twice = model.revisions[: place + 1] + model.revisions[place:]
    assert not compare(model.backwards, twice).agrees


@pytest.mark.parametrize("seed", SEEDS)
def test_a_wrong_consistent_index_is_found(seed: int) -> None:
    """An index that is too low or too high by some plain puts does not fit the last revisions."""
    model, random = history(seed), Random(seed)
    fewer = random.randint(1, 10)
    if not any(index > len(model.log) - fewer for index in model.certain):
        model.put(b"a", model.new_value())
    assert not compare(model.backwards[fewer:], model.revisions).agrees
    made = sum(1 for index in model.certain if index > len(model.log) - fewer)
    assert made
    older = [g for g in model.revisions if g.revision <= model.revision - made]
    assert not compare(model.backwards, older).agrees


def transactions(count: int) -> MvccModel:
    """Return a history of nothing but transactions, as Kubernetes writes it."""
    model = MvccModel()
    for number in range(count):
        value = model.new_value()
        if number % 3:
            model.set(b"a", value)
        model.entry(6, txn_of(b"", [field_bytes(2, put_of(b"a", value))], []))
    return model


def test_a_flipped_value_among_transactions_is_found() -> None:
    """No transaction must write, yet a revision between two that did must be one's work."""
    model = transactions(60)
    assert compare(model.backwards, model.revisions).agrees
    for place in range(3, len(model.revisions)):
        group = model.revisions[place]
        damaged = [*model.revisions]
        damaged[place] = RevisionChanges(group.revision, (Change(b"a", b"flipped"),))
        found = compare(model.backwards, damaged).contradiction
        assert found is not None
        assert found.revision == group.revision


def test_transactions_that_are_missing_at_the_end_are_not_noticed() -> None:
    """A limit: transactions behind the last revision may all have written nothing."""
    model = transactions(60)
    assert compare(model.backwards, model.revisions[:-5]).agrees


def test_a_log_that_begins_behind_a_revision_does_not_contradict_it() -> None:
    """Revisions older than the log's first entry are not held against it."""
    model = transactions(60)
    for kept in range(1, 60):
        assert compare(model.backwards[:kept], model.revisions).agrees


def test_puts_that_may_have_been_refused_are_not_missed() -> None:
    """With alarms or auth a put may have changed nothing; without, it must have."""
    model = history(1)
    fewer = model.revisions[:-1]
    assert not compare(model.backwards, fewer).agrees
    assert compare(model.backwards, fewer, strict=False).agrees


def fill(model: MvccModel, kind: str, count: int) -> None:
    """Write a long history of one kind."""
    for number in range(count):
        if kind == "puts":
            model.put(b"a", model.new_value())
        elif kind == "identical puts":
            model.put(b"a", b"same")
        elif kind == "deletes":
            if number % 100 == 0:
                model.put(b"a", b"same")
            model.delete(b"a")
        elif kind == "transactions":
            if number % 2:
                model.set(b"a", b"same")
            model.entry(6, txn_of(b"", [field_bytes(2, put_of(b"a", b"same"))], []))
        else:
            model.set(b"a", model.new_value(), 1)
            model.entry(4, put_of(b"a", model.values[b"a"], lease=1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("puts", 50_000),
        ("transactions", 20_000),
        ("identical puts", 10_000),
        ("deletes", 10_000),
        ("leased puts", 10_000),
    ],
)
@pytest.mark.parametrize("damaged", [False, True])
def test_long_logs_come_to_an_end(kind: str, count: int, *, damaged: bool) -> None:
    """Also where each entry could or could not have changed something, and nothing fits."""
    model = MvccModel()
    fill(model, kind, count)
    revisions = [*model.revisions]
    if damaged:
        middle = len(revisions) // 2
        changed = RevisionChanges(revisions[middle].revision, (Change(b"zz", b"no such"),))
        revisions[middle] = changed
    log = model.backwards
    found = compare(log, revisions)
    assert found.agrees is not damaged
    assert not found.undecided


def test_nested_transactions_take_no_exponential_time() -> None:
    """A transaction of 128 nested ones has 2^128 outcomes; they are not tried one by one."""
    nested = txn_of(b"", [field_bytes(2, put_of(b"a", b"1"))], [field_bytes(2, put_of(b"b", b"2"))])
    request = txn_of(b"", [field_bytes(4, nested)] * 128, [])
    entry = Entry(EntryType.NORMAL, 2, 1, field_bytes(6, request))
    right = tuple(Change(*pair) for pair in [(b"a", b"1"), (b"b", b"2")] * 64)
    assert effect_of(entry, strict=True).explains(right)
    assert not effect_of(entry, strict=True).explains(right[:-1])
    assert not effect_of(entry, strict=True).explains((*right[:-1], Change(b"c", b"2")))


@pytest.mark.parametrize(
    ("key", "start", "end", "inside"),
    [
        (b"a", b"a", b"", True),
        (b"b", b"a", b"", False),
        (b"b", b"a", b"c", True),
        (b"c", b"a", b"c", False),
        (b"a", b"b", b"c", False),
        (b"z", b"a", b"\0", True),
        (b"a", b"b", b"\0", False),
        (b"z", b"\0", b"\0", True),
    ],
)
def test_ranges_are_etcds(key: bytes, start: bytes, end: bytes, *, inside: bool) -> None:
    """One key, a half-open range, or all from a key on."""
    assert in_range(key, start, end) is inside


@pytest.mark.parametrize(
    ("request_number", "content", "expected"),
    [
        (10, field_varint(1, 1) + field_varint(3, 1), True),
        (1000, b"", True),
        (4, put_of(b"a", b"b"), False),
        (5, delete_of(b"a"), False),
    ],
)
def test_alarms_and_auth_may_turn_puts_down(
    request_number: int, content: bytes, *, expected: bool
) -> None:
    """Only an entry about alarms or auth takes the certainty from puts."""
    entry = Entry(EntryType.NORMAL, 2, 1, field_bytes(request_number, content))
    change = Entry(EntryType.CONF_CHANGE, 2, 2, b"")
    assert turns_puts_down([entry, change]) is expected
    assert effect_of(change, strict=True).never
