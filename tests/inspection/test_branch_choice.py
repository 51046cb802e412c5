"""Which branch of a transaction runs, where its comparisons alone decide it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.formats.requests import Compare, CompareResult, CompareTarget, Put, Txn
from requorum.inspection.branch_choice import Runs, branches_of

INT64_MAX = (1 << 63) - 1
EITHER = (Runs.PERHAPS, Runs.PERHAPS)
SUCCESS = (Runs.ALWAYS, Runs.NEVER)
FAILURE = (Runs.NEVER, Runs.ALWAYS)
NUMBERS = [CompareTarget.VERSION, CompareTarget.CREATE, CompareTarget.MOD]


def compare(target: CompareTarget, result: CompareResult, operand: int | bytes) -> Compare:
    """Return a comparison of one key."""
    return Compare(result, target, b"k", operand, b"")


def branches(*compares: Compare) -> tuple[Runs, Runs]:
    """Return what is known of a transaction's two branches."""
    put = Put(b"k", b"v", 0, prev_kv=False, ignore_value=False, ignore_lease=False)
    return branches_of(Txn(compares, (put,), (put,)))


def test_without_a_comparison() -> None:
    """The branch for success runs, whatever there is."""
    assert branches() == SUCCESS


@pytest.mark.parametrize("target", NUMBERS)
@pytest.mark.parametrize(
    ("result", "operand", "expected"),
    [
        (CompareResult.EQUAL, 7, EITHER),
        (CompareResult.EQUAL, 0, EITHER),
        (CompareResult.EQUAL, -1, FAILURE),
        (CompareResult.NOT_EQUAL, 0, EITHER),
        (CompareResult.NOT_EQUAL, -1, SUCCESS),
        (CompareResult.GREATER, 0, EITHER),
        (CompareResult.GREATER, -1, SUCCESS),
        (CompareResult.GREATER, INT64_MAX - 1, EITHER),
        (CompareResult.GREATER, INT64_MAX, FAILURE),
        (CompareResult.LESS, 1, EITHER),
        (CompareResult.LESS, 0, FAILURE),
        (CompareResult.LESS, -1, FAILURE),
    ],
)
def test_numbers_are_never_negative(
    target: CompareTarget, result: CompareResult, operand: int, expected: tuple[Runs, Runs]
) -> None:
    """Versions and revisions; those of a key that is not there are 0."""
    assert branches(compare(target, result, operand)) == expected


@pytest.mark.parametrize("operand", [-1, 0, 1, INT64_MAX])
@pytest.mark.parametrize("result", CompareResult)
def test_a_lease_may_have_any_number(result: CompareResult, operand: int) -> None:
    """Clients choose it."""
    assert branches(compare(CompareTarget.LEASE, result, operand)) == EITHER


def test_values() -> None:
    """None is less than the empty one; and a key that is not there has no value to compare."""
    assert branches(compare(CompareTarget.VALUE, CompareResult.LESS, b"")) == FAILURE
    for result in (CompareResult.EQUAL, CompareResult.GREATER, CompareResult.NOT_EQUAL):
        assert branches(compare(CompareTarget.VALUE, result, b"")) == EITHER
    assert branches(compare(CompareTarget.VALUE, CompareResult.LESS, b"a")) == EITHER


def test_several_comparisons() -> None:
    """One that never holds decides; one that always does leaves it to the others."""
    never = compare(CompareTarget.MOD, CompareResult.LESS, 0)
    always = compare(CompareTarget.MOD, CompareResult.GREATER, -1)
    open_ = compare(CompareTarget.MOD, CompareResult.EQUAL, 7)
    assert branches(open_, never) == FAILURE
    assert branches(always, never) == FAILURE
    assert branches(always, open_) == EITHER
    assert branches(always, always) == SUCCESS


def test_a_branch_within_a_branch() -> None:
    """It runs always, or never, only where both say so, or one of them does."""
    assert Runs.ALWAYS.within(Runs.ALWAYS) is Runs.ALWAYS
    assert Runs.ALWAYS.within(Runs.PERHAPS) is Runs.PERHAPS
    assert Runs.PERHAPS.within(Runs.ALWAYS) is Runs.PERHAPS
    for runs in Runs:
        assert runs.within(Runs.NEVER) is Runs.NEVER
        assert Runs.NEVER.within(runs) is Runs.NEVER


def held(compare: Compare, found: int) -> bool:
    """Return what etcd finds for a number: server/etcdserver/txn/txn.go, compareKV."""
    assert isinstance(compare.operand, int)
    return {
        CompareResult.EQUAL: found == compare.operand,
        CompareResult.NOT_EQUAL: found != compare.operand,
        CompareResult.GREATER: found > compare.operand,
        CompareResult.LESS: found < compare.operand,
    }[compare.result]


@given(
    st.lists(
        st.tuples(st.sampled_from(CompareResult), st.integers(-(1 << 63), INT64_MAX)), max_size=3
    ),
    st.integers(0, INT64_MAX),
)
def test_what_is_said_is_certain(compares: list[tuple[CompareResult, int]], found: int) -> None:
    """Whatever a key's version is, a branch that never runs does not, and one that always does."""
    asked = [compare(CompareTarget.VERSION, result, operand) for result, operand in compares]
    succeeded = all(held(each, found) for each in asked)
    then, otherwise = branches(*asked)
    assert (then, otherwise) in (EITHER, SUCCESS if succeeded else FAILURE)
