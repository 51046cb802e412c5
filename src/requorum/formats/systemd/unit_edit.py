"""A unit file with parts of one assignment's value changed; every other character stays."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from requorum.errors import DamagedInput
from requorum.formats.systemd.unit_file import Directive

_BLANKS = " \t\r\n"


@dataclass(frozen=True, slots=True)
class ValueEdit:
    """Characters [begin, end) of the directive's value, and what comes in their place."""

    begin: int
    end: int
    text: str


def changed_value(text: str, directive: Directive, edits: Sequence[ValueEdit]) -> str:
    """Return the text with these edits made; `directive` is one of `parse_unit_file(text)`.

    DamagedInput for an edit that spans several lines of the file.
    """
    lines = text.split("\n")
    in_order = sorted(edits, key=lambda e: (e.begin, e.end))
    placed = [(*_place(lines, directive, edit), edit) for edit in in_order]
    for row, column, edit in reversed(placed):
        line = lines[row]
        lines[row] = line[:column] + edit.text + line[column + edit.end - edit.begin :]
    return "\n".join(lines)


def appended_argument(text: str, directive: Directive, argument: str) -> ValueEdit:
    """Return the edit that adds a word to the value, on a line of its own where the others are."""
    end = len(directive.value)
    if len(directive.rows) == 1:
        return ValueEdit(end, end, f" {argument}")
    last = text.split("\n")[directive.rows[-1][1] - 1]
    indent = last[: len(last) - len(last.lstrip(" \t"))]
    return ValueEdit(end, end, f" \\\n{indent}{argument}")


def _place(lines: Sequence[str], directive: Directive, edit: ValueEdit) -> tuple[int, int]:
    """Return the index of the line and the column at which the edit begins.

    A line's part of the value ends where the line does, but for blanks and the backslash that
    joins it with the next: so columns are counted from there.
    """
    rows = directive.rows
    index = bisect_right(rows, edit.begin, key=lambda row: row[0]) - 1
    row = rows[index][1] - 1
    if index + 1 < len(rows):
        part_end, line_end = rows[index + 1][0] - 1, len(lines[row].removesuffix("\r")) - 1
    else:
        part_end, line_end = len(directive.value), len(lines[row].rstrip(_BLANKS))
    column = line_end - (part_end - edit.begin)
    written = lines[row][column : column + edit.end - edit.begin]
    if edit.end > part_end or column < 0 or written != directive.value[edit.begin : edit.end]:
        raise DamagedInput(
            f"line {row + 1}: what is to be changed is spread over several lines",
            hint="Write that word on one line.",
        )
    return row, column
