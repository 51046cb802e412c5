"""Words of a unit's assignment are changed where they stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.errors import DamagedInput
from requorum.formats.systemd.unit_edit import ValueEdit, appended_argument, changed_value
from requorum.formats.systemd.unit_file import parse_unit_file
from requorum.formats.systemd.words import split_words

UNIT = """\
[Service]
# ExecStart=/bin/false
ExecStart = /usr/bin/etcd \\
    --name=etcd1 \\
# a comment between
    --data-dir /var/lib/etcd  --initial-cluster=a=http://a:2380   
Restart=always
"""  # noqa: W291  # blanks at the end of a line are part of the case


def edited(text: str, old: str, new: str) -> str:
    """Return the text with that word of ExecStart= changed."""
    (directive,) = (d for d in parse_unit_file(text) if d.name == "ExecStart")
    word = next(w for w in split_words(directive.value) if w.text == old)
    return changed_value(text, directive, [ValueEdit(word.begin, word.end, new)])


@pytest.mark.parametrize(
    "word", ["/usr/bin/etcd", "--name=etcd1", "/var/lib/etcd", "--initial-cluster=a=http://a:2380"]
)
def test_one_word(word: str) -> None:
    """Nothing but the word changes, on whatever line it stands."""
    assert edited(UNIT, word, "X") == UNIT.replace(word, "X")


def test_a_value_that_begins_below_its_name() -> None:
    """Then it has no word on the line of the name."""
    text = "[Service]\nExecStart=\\\n  /usr/bin/etcd --name=a\n"
    assert edited(text, "/usr/bin/etcd", "/b") == text.replace("/usr/bin/etcd", "/b")


def test_several_and_appended() -> None:
    """What is appended stands on lines of its own where the others do, in the order given."""
    directive = parse_unit_file(UNIT)[0]
    name = next(w for w in split_words(directive.value) if w.text == "--name=etcd1")
    edits = [
        appended_argument(UNIT, directive, "--one"),
        ValueEdit(name.begin, name.end, "--name=b"),
        appended_argument(UNIT, directive, "--two"),
    ]
    assert changed_value(UNIT, directive, edits) == UNIT.replace("etcd1", "b").replace(
        "a=http://a:2380", "a=http://a:2380 \\\n    --one \\\n    --two"
    )
    text = "[Service]\nExecStart=/usr/bin/etcd\n"
    (directive,) = parse_unit_file(text)
    edit = appended_argument(text, directive, "--one")
    assert changed_value(text, directive, [edit]) == text.replace("etcd", "etcd --one")


def test_a_word_over_two_lines() -> None:
    """It is left alone."""
    text = '[Service]\nExecStart=/usr/bin/etcd "--name=a \\\nb"\n'
    with pytest.raises(DamagedInput, match="spread over several lines"):
        edited(text, "--name=a  b", "X")


@given(
    st.lists(st.sampled_from(["--a=1", "'--b 2'", "--c", '"--d=\\\\"']), min_size=1, max_size=6),
    st.lists(st.sampled_from([" ", "  ", " \\\n", " \\\n\t", " \\\n# x\n ", "\t"]), min_size=6),
    st.data(),
)
def test_any_layout(words: list[str], gaps: list[str], data: st.DataObject) -> None:
    """Whatever the layout, the word at a place becomes another and all others stay."""
    value = "".join(gap + word for gap, word in zip(gaps, words, strict=False))
    text = f"[Service]\nUser=a\nExecStart=/etcd{value}\n[Install]\n"
    directive = parse_unit_file(text)[1]
    before = split_words(directive.value)
    at = data.draw(st.integers(0, len(before) - 1))
    edit = ValueEdit(before[at].begin, before[at].end, "--new")
    after = split_words(parse_unit_file(changed_value(text, directive, [edit]))[1].value)
    expected = [w.text for w in before]
    expected[at] = "--new"
    assert [w.text for w in after] == expected
