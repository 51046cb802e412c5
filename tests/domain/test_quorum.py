"""Quorum arithmetic, against counting every subset."""

from itertools import combinations

import pytest

from requorum.domain.quorum import failures_tolerated, quorum_size, witnesses_needed


@pytest.mark.parametrize("voters", range(1, 10))
def test_two_quorums_always_meet_and_no_smaller_does(voters: int) -> None:
    """A quorum is the least number of which any two share a voter."""
    size = quorum_size(voters)
    assert 2 * size > voters
    assert 2 * (size - 1) <= voters


@pytest.mark.parametrize("voters", range(1, 8))
def test_that_many_witnesses_meet_every_quorum(voters: int) -> None:
    """Any set of that many voters shares one with every quorum; one fewer need not."""
    everyone = range(voters)
    quorums = [set(q) for q in combinations(everyone, quorum_size(voters))]
    needed = witnesses_needed(voters)
    assert all(set(w) & q for w in combinations(everyone, needed) for q in quorums)
    assert any(not set(w) & q for w in combinations(everyone, needed - 1) for q in quorums)


def test_failures() -> None:
    """An even number of voters tolerates no more than the odd one below."""
    assert [failures_tolerated(n) for n in range(1, 8)] == [0, 0, 1, 1, 2, 2, 3]
