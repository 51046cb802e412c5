"""No bytes, arbitrary or nearly right ones, make a reader raise anything but its own errors."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutate
from seeds import SEEDS
from targets import TARGETS

NAMES = sorted(TARGETS)


@pytest.mark.parametrize("name", NAMES)
def test_well_formed_bytes(name: str) -> None:
    """What the fuzzers begin with is read as it is."""
    for seed in SEEDS[name]:
        TARGETS[name](seed)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=25)
@given(content=st.binary(max_size=2000))
def test_arbitrary_bytes(name: str, content: bytes) -> None:
    """Whatever is no such format at all."""
    TARGETS[name](content)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=40)
@given(source=st.integers(0, 1 << 32))
def test_damaged_bytes(name: str, source: int) -> None:
    """Well-formed bytes, damaged at random."""
    rng = random.Random(source)
    seed, donor = rng.choice(SEEDS[name]), rng.choice(SEEDS[name])
    content, _ = mutate(seed, rng, donor)
    TARGETS[name](content)
