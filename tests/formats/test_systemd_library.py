"""Random texts mean to us what they mean to systemd itself."""

import pytest
import systemd_library
from hypothesis import example, given, settings
from hypothesis import strategies as st

from requorum.errors import DamagedInput
from requorum.formats.systemd.command_line import CommandLine, arguments_of
from requorum.formats.systemd.environment_file import (
    changed_environment_file,
    is_variable,
    parse_environment_file,
    that_count,
)
from requorum.formats.systemd.words import Word, quoted_argument, split_words

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(
        not systemd_library.is_there(),
        reason=f"systemd {systemd_library.RELEASE} (Debian 12) is not on this machine",
    ),
]

MANY = settings(max_examples=1000)
FILES = st.text(alphabet="AB=\\'\"#; \t\n\r$`%é", max_size=30)
LINES = st.text(alphabet="ab\\'\" \tsnxuU0123é;$%7", max_size=20)
WORDS = st.text(alphabet="${}AB \\'\"x\n", min_size=1, max_size=9)


@MANY
@given(FILES)
@example("A=b \\\n  c\n# d \\\nB=1\nB='x\ry'\nexport A=3\n")
def test_environment_files(text: str) -> None:
    """Comments, quotes, escapes, continued lines, repeated and impossible names."""
    variables = that_count(parse_environment_file(text, comments_go_on=True))
    ours = {name: variable.value for name, variable in variables.items()}
    theirs = systemd_library.environment_file(text) or {}
    assert ours == {name: value for name, value in theirs.items() if is_variable(name, value)}


@MANY
@given(FILES, st.dictionaries(st.sampled_from(["A", "AB", "C"]), LINES, max_size=2))
def test_changed_environment_files(text: str, values: dict[str, str]) -> None:
    """What we change means to systemd what was asked for, and the rest what it meant."""
    try:
        changed = changed_environment_file(text, values)
    except DamagedInput:
        return
    before = systemd_library.environment_file(text) or {}
    after = systemd_library.environment_file(changed) or {}
    kept = {name: value for name, value in before.items() if is_variable(name, value)}
    assert {n: v for n, v in after.items() if is_variable(n, v)} == kept | values


@MANY
@given(LINES)
def test_words(text: str) -> None:
    """Quotes within words, known and unknown escapes, bytes and characters by number."""
    try:
        ours = [word.text for word in split_words(text)]
    except DamagedInput:
        ours = None
    assert ours == systemd_library.words(text)


@MANY
@given(LINES)
def test_words_of_variables(text: str) -> None:
    """The value of a variable is split by other rules."""
    ours = [word.text for word in split_words(text, escapes=False)]
    assert ours == systemd_library.words_of_variable(text)


@MANY
@given(st.lists(WORDS, max_size=3), st.dictionaries(st.sampled_from(["A", "B", "AB"]), LINES))
@example(["$", "$$A", "${A", "x${A}y", "$A"], {"A": "1 '2 3'"})
def test_variables(words: list[str], environment: dict[str, str]) -> None:
    """Words that are a variable, words that hold some, and dollar signs."""
    line = CommandLine("p", tuple(Word(text, 0, 0) for text in ["p", *words]), expands=True)
    ours = [argument.text for argument in arguments_of(line, environment)]
    assert ours == systemd_library.with_variables(words, environment)


@MANY
@given(st.text(alphabet="${}AB \\'\"x\n\té=%", max_size=12))
def test_quoted_arguments(text: str) -> None:
    """What we write as one argument arrives as that argument."""
    words = systemd_library.words(quoted_argument(text).replace("%%", "%"))
    assert words is not None
    assert systemd_library.with_variables(words, {}) == [text]
