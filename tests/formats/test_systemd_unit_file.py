"""Unit files: sections, continued lines, comments, and the lines of what was found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.errors import DamagedInput
from requorum.formats.systemd.unit_file import SIZE_MAX, parse_unit_file

UNIT = r"""# a comment
[Unit]
Description = etcd
Before=x
before the first equals sign, nothing
[Service]
ExecStart=/usr/bin/etcd \
    --name a \
  # a comment within
  ; and another
    --data-dir /d
; ExecStart=/no
  Environment = A=1
Environment=
Path=C:\\
Type=notify\
"""


def test_a_unit() -> None:
    """Every assignment with its section, its joined value and its line."""
    found = [(d.section, d.name, d.value, d.line) for d in parse_unit_file(UNIT)]
    assert found == [
        ("Unit", "Description", "etcd", 3),
        ("Unit", "Before", "x", 4),
        ("Service", "ExecStart", "/usr/bin/etcd  --name a  --data-dir /d", 7),
        ("Service", "Environment", "A=1", 13),
        ("Service", "Environment", "", 14),
        ("Service", "Path", "C:\\\\", 15),
        ("Service", "Type", "notify", 16),
    ]


def test_lines_of_a_continued_value() -> None:
    """Every word is on the line that it was written on."""
    command = parse_unit_file(UNIT)[2]
    lines = {word: command.line_at(command.value.index(word)) for word in command.value.split()}
    assert lines == {"/usr/bin/etcd": 7, "--name": 8, "a": 7, "--data-dir": 11, "/d": 11} | {
        "a": command.line_at(command.value.index("a", command.value.index("name") + 4))
    }
    assert lines["a"] == 8


def test_a_value_that_begins_on_the_next_line() -> None:
    """The lines count from the value's first character on."""
    (directive,) = parse_unit_file("[Service]\nExecStart=\\\n  /usr/bin/etcd \\\n --name a\n")
    assert directive.value == "/usr/bin/etcd  --name a"
    assert (directive.line, directive.line_at(17)) == (3, 4)


def test_what_is_passed_over() -> None:
    """Assignments before any section, and windows' line ends."""
    assert parse_unit_file("A=1\r\n[Service]\r\nB = 2 \r\n")[0].value == "2"
    assert len(parse_unit_file("A=1\n")) == 0


def test_no_section_header() -> None:
    """Systemd does not load such a unit."""
    with pytest.raises(DamagedInput, match=r"line 2: `\[Service` is no section header"):
        parse_unit_file("# c\n[Service\nA=1\n")


def test_too_large() -> None:
    """A file that no operator wrote is not read."""
    with pytest.raises(DamagedInput, match="more than systemd reads"):
        parse_unit_file(" " * (SIZE_MAX + 1))


@given(st.text(alphabet="[]AB=\\ \n#;é", max_size=60))
def test_any_text(text: str) -> None:
    """Any text is a unit or an error of ours; lines are those of the text."""
    try:
        found = parse_unit_file(text)
    except DamagedInput:
        return
    for directive in found:
        assert 1 <= directive.line <= text.count("\n") + 1
        for offset in range(len(directive.value)):
            assert directive.line <= directive.line_at(offset) <= text.count("\n") + 1
