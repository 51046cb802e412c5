"""Which operations may touch a key, or one of those with a prefix."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.formats.requests import DeleteRange, Put, Range
from requorum.inspection.key_choice import KeyChoice, prefix_end

KEYS = st.binary(min_size=1, max_size=3).map(lambda b: bytes(x % 3 + 254 - 1 for x in b))


def put(key: bytes) -> Put:
    """Return a put."""
    return Put(key, b"", 0, prev_kv=False, ignore_value=False, ignore_lease=False)


@pytest.mark.parametrize(
    ("operation", "meets"),
    [
        (put(b"/a"), True),
        (put(b"/a/b"), False),
        (DeleteRange(b"/a", b""), True),
        (DeleteRange(b"/", b""), False),
        (DeleteRange(b"/", b"0"), True),
        (DeleteRange(b"/", b"/a"), False),
        (DeleteRange(b"/a", b"/b"), True),
        (DeleteRange(b"\0", b"\0"), True),
        (DeleteRange(b"/b", b"\0"), False),
        (Range(b"/", b"0", 0), True),
    ],
)
def test_one_key(operation: Put | DeleteRange | Range, *, meets: bool) -> None:
    """A range takes it from its start to before its end; a zero byte is no end."""
    assert KeyChoice(b"/a").meets(operation) is meets


@pytest.mark.parametrize(
    ("operation", "meets"),
    [
        (put(b"/a/b"), True),
        (put(b"/a"), False),
        (DeleteRange(b"/", b"0"), True),
        (DeleteRange(b"/a/x", b"/a/y"), True),
        (DeleteRange(b"/a", b"/a/"), False),
        (DeleteRange(b"/a0", b"\0"), False),
        (DeleteRange(b"/a/zzz", b"\0"), True),
    ],
)
def test_a_prefix(operation: Put | DeleteRange, *, meets: bool) -> None:
    """A range is met where it and the keys with the prefix overlap."""
    assert KeyChoice(b"/a/", is_prefix=True).meets(operation) is meets


def test_the_end_of_a_prefix() -> None:
    """As etcd's clients make it."""
    assert prefix_end(b"a") == b"b"
    assert prefix_end(b"a\xff\xff") == b"b"
    assert prefix_end(b"\xff") == prefix_end(b"") == b"\0"


@given(KEYS, KEYS, KEYS, KEYS)
def test_a_range_with_a_key_of_the_prefix_meets_it(
    prefix: bytes, rest: bytes, start: bytes, end: bytes
) -> None:
    """Overlap is found whenever there is a key that shows it."""
    operation = DeleteRange(start, end)
    if KeyChoice(prefix + rest).meets(operation):
        assert KeyChoice(prefix, is_prefix=True).meets(operation)


def test_the_empty_prefix_is_every_key() -> None:
    """Whatever touches a key touches one of those."""
    assert KeyChoice(b"", is_prefix=True).meets(DeleteRange(b"x", b"y"))
