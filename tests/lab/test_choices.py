"""What writers choose."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from requorum.lab.acks import Delete, Operation, Put, Txn
from requorum.lab.choices import Choices
from requorum.lab.values import value_of


def play(seed: int, steps: int, *, fail_one_in: int = 0) -> list[tuple[Operation, bool]]:
    """Let a writer choose, against a store that acknowledges all but some."""
    rng, choices = random.Random(seed), Choices("w", random.Random(seed), compacts=True)
    played = []
    for revision in range(2, steps + 2):
        operation = choices.next_operation()
        fails = bool(fail_one_in) and rng.randrange(fail_one_in) == 0
        if fails:
            choices.retire(operation)
        else:
            choices.acknowledged(operation, revision)
        played.append((operation, fails))
    return played


def keys_of(operation: Operation) -> list[str]:
    """Return the keys that an operation touches."""
    if isinstance(operation, Txn):
        return [operation.put, operation.delete]
    return [operation.key] if isinstance(operation, Put | Delete) else []


def test_every_kind_of_operation_is_chosen() -> None:
    """Puts, overwrites, deletes, transactions, leases and compactions."""
    played = [operation for operation, _ in play(1, 2000)]
    kinds = Counter(operation.op for operation in played)
    assert set(kinds) == {"put", "delete", "txn", "grant", "compact"}
    assert all(count > 5 for count in kinds.values())
    puts = [operation for operation in played if isinstance(operation, Put)]
    assert any(put.lease for put in puts)
    assert len({put.key for put in puts}) < len(puts)


@given(st.integers(0, 2**32))
def test_a_key_of_unknown_state_is_never_touched_again(seed: int) -> None:
    """So that its state is one of two, whatever comes late."""
    retired: set[str] = set()
    for operation, failed in play(seed, 150, fail_one_in=5):
        assert not retired & set(keys_of(operation))
        if failed:
            retired |= set(keys_of(operation))


@given(st.integers(0, 2**32))
def test_deletes_and_transactions_touch_only_keys_that_are_there(seed: int) -> None:
    """A transaction's two keys differ, and both are known."""
    present: set[str] = set()
    for operation, _ in play(seed, 150):
        match operation:
            case Put(key=key):
                present.add(key)
            case Delete(key=key):
                present.remove(key)
            case Txn(put=put, delete=delete):
                assert put in present
                assert put != delete
                present.remove(delete)
            case _:
                pass


def test_the_same_seed_chooses_the_same() -> None:
    """A trial is repeated by its seed."""
    assert play(7, 200) == play(7, 200)
    assert play(7, 200) != play(8, 200)


def test_values_are_their_writes_own() -> None:
    """Same arguments, same bytes; other arguments, other bytes; lengths as promised."""
    values = [value_of("w", seq) for seq in range(500)]
    assert values == [value_of("w", seq) for seq in range(500)]
    assert len(set(values)) == 500
    assert value_of("v", 1) != value_of("w", 1)
    lengths = {len(value) for value in values}
    assert min(lengths) >= 16
    assert 20_000 in lengths
    assert max(lengths - {20_000}) <= 2_000
