"""Keys on a terminal, and typed back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.cli.render.key_text import quoted, shown_key, typed_key
from requorum.errors import UsageError


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        (b"/registry/pods/default/web-0", "/registry/pods/default/web-0"),
        ("/förderung/äöü".encode(), "/förderung/äöü"),
        (b"", '""'),
        (b"two words", '"two words"'),
        (b'a"b', r'"a\"b"'),
        (b"a\\b", r'"a\\b"'),
        (b"\x1b[2Jgone\n", r'"\x1b[2Jgone\n"'),
        (b"\0\x7f\xff", r'"\x00\x7f\xff"'),
        ("\u202egpj.exe".encode(), r'"\u202egpj.exe"'),
        ("\U000e0001".encode(), r'"\U000e0001"'),
    ],
)
def test_keys(key: bytes, shown: str) -> None:
    """Ordinary ones as they are, all others quoted as Go does; either can be typed."""
    assert shown_key(key) == shown
    assert typed_key(shown) == key


@given(st.binary(max_size=40))
def test_no_key_moves_the_cursor_and_every_key_can_be_typed(key: bytes) -> None:
    """Whatever its bytes are."""
    assert shown_key(key).isprintable()
    assert typed_key(shown_key(key)) == typed_key(quoted(key)) == key


@given(st.text(max_size=40))
def test_texts_as_well(text: str) -> None:
    """Whatever characters they have."""
    key = text.encode("utf-8", "surrogatepass")
    assert shown_key(key).isprintable()
    assert typed_key(shown_key(key)) == key


@pytest.mark.parametrize(
    "text", ['"', '"a', '"a"b"', r'"\q"', r'"\ud800"', r'"\UFFFFFFFF"', '"\\"']
)
def test_what_is_no_quoted_key(text: str) -> None:
    """It is refused, not searched for as something else."""
    with pytest.raises(UsageError):
        typed_key(text)
