"""How many members make a quorum, and how many logs prove that nothing is missing."""


def quorum_size(voters: int) -> int:
    """Return the number of voters that must hold an entry before etcd acknowledges it."""
    return voters // 2 + 1


def witnesses_needed(voters: int) -> int:
    """Return how many whole logs meet every possible quorum: n - q + 1.

    An acknowledged entry is on `quorum_size` disks; any set of this many voters shares
    at least one disk with them.
    """
    return voters - quorum_size(voters) + 1


def failures_tolerated(voters: int) -> int:
    """Return how many voters may be lost while a quorum remains."""
    return voters - quorum_size(voters)
