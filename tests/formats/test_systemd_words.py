"""Words of a setting's value. Random ones are held against systemd in test_systemd_library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.errors import DamagedInput
from requorum.formats.systemd.words import quoted_argument, quoted_word, split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  a\tb ", ["a", "b"]),
        ("--a='b c' \"d e\"f", ["--a=b c", "d ef"]),
        (r'"a\"b" \x41\101\s\n \u00e9\U0001F600', ['a"b', "AA \n", "\u00e9\U0001f600"]),
        (r"\xc3\xa9 \xff", ["\u00e9", "\ufffd"]),
        (
            r"\d \x4 \u00zz \400 \000 \ud800",
            [r"\d", r"\x4", r"\u00zz", r"\400", r"\000", r"\ud800"],
        ),
        ("''", [""]),
        ("a\\", ["a\\"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    """Quotes, escapes, and escapes that systemd does not know."""
    assert [word.text for word in split_words(text)] == words


def test_places_of_words() -> None:
    """A word knows the characters that it was written with."""
    text = "  --name 'a b'  c"
    assert [text[w.begin : w.end] for w in split_words(text)] == ["--name", "'a b'", "c"]


@pytest.mark.parametrize("text", ["'a", 'x "a', '"a\\'])
def test_a_quote_that_is_not_closed(text: str) -> None:
    """Systemd refuses it on a command line, and closes it in a variable's value."""
    with pytest.raises(DamagedInput, match="is not closed"):
        split_words(text)
    assert split_words(text, escapes=False)


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20))
def test_a_quoted_word_is_one_word(text: str) -> None:
    """Whatever is quoted is split into itself, once specifiers and variables are replaced."""
    (word,) = split_words(quoted_word(text).replace("%%", "%"))
    assert word.text == text
    (argument,) = split_words(quoted_argument(text).replace("%%", "%"))
    assert argument.text == text.replace("$", "$$")


def test_plain_words_stay_plain() -> None:
    """What an operator reads has quotes only where it needs them."""
    assert quoted_argument("--initial-cluster=a=https://[::1]:1") == (
        '"--initial-cluster=a=https://[::1]:1"'
    )
    assert quoted_argument("--listen-peer-urls=https://10.0.0.1:2380,x") == (
        "--listen-peer-urls=https://10.0.0.1:2380,x"
    )
    assert quoted_word("100%") == '"100%%"'
