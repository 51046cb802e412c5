"""What a recovery may have lost."""

from requorum.domain.loss import Loss, UnprovenRange


def test_no_range_is_a_proof() -> None:
    """And any range is none."""
    later = UnprovenRange(
        first_index=4, last_index=None, first_revision=5, last_revision=None, reason="a lost disk"
    )
    assert Loss(unproven=(), grounds=("two logs are whole",)).proven_none
    assert not Loss(unproven=(later,), grounds=()).proven_none
