"""A unit file or drop-in: sections, settings and the lines they stand on.

Source: systemd.syntax(7). A backslash at the end of a line joins it with the next one that is no
comment, and becomes a blank.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from requorum.errors import DamagedInput

SIZE_MAX = 1 << 20
"""Bytes of one file; systemd takes no longer line."""

_BLANKS = " \t\r\n"
_COMMENTS = ("#", ";")


@dataclass(frozen=True, slots=True)
class Directive:
    """One assignment. `value` has its lines joined, and no blank around it.

    `rows` are (offset in `value`, line of the file), one for each line that it spans.
    """

    section: str
    name: str
    value: str
    rows: tuple[tuple[int, int], ...]

    @property
    def line(self) -> int:
        """Return the line that it begins on, counted from 1."""
        return self.rows[0][1]

    def line_at(self, offset: int) -> int:
        """Return the line of the file that this character of the value stands on."""
        return self.rows[bisect_right(self.rows, offset, key=lambda row: row[0]) - 1][1]


def parse_unit_file(text: str) -> tuple[Directive, ...]:
    """Return its assignments in order; DamagedInput with the line where it is no unit file.

    What systemd warns of and passes over is passed over: a line without `=`, or before a section.
    """
    if len(text) > SIZE_MAX:
        raise DamagedInput(f"it has more than {SIZE_MAX} characters, more than systemd reads")
    return tuple(_directives(_joined_lines(text.removeprefix("\ufeff"))))


@dataclass(frozen=True, slots=True)
class _Joined:
    text: str
    rows: tuple[tuple[int, int], ...]


def _joined_lines(text: str) -> Iterator[_Joined]:
    pieces: list[str] = []
    rows: list[tuple[int, int]] = []
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.lstrip(_BLANKS)
        if line.startswith(_COMMENTS):
            continue
        rows.append((sum(map(len, pieces)), number))
        if _goes_on(line.removesuffix("\r")):
            pieces.append(line.removesuffix("\r")[:-1] + " ")
            continue
        yield _Joined("".join([*pieces, line]), tuple(rows))
        pieces, rows = [], []
    if rows:
        yield _Joined("".join(pieces), tuple(rows))


def _goes_on(line: str) -> bool:
    """Return whether its last backslash is not itself escaped."""
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _directives(lines: Iterator[_Joined]) -> Iterator[Directive]:
    section = ""
    for line in lines:
        text = line.text.strip(_BLANKS)
        if text.startswith("["):
            if not text.endswith("]"):
                raise DamagedInput(f"line {line.rows[0][1]}: `{text}` is no section header")
            section = text[1:-1]
        elif section and "=" in text:
            yield _directive(section, line)


def _directive(section: str, line: _Joined) -> Directive:
    name, _, rest = line.text.partition("=")
    value = rest.strip(_BLANKS)
    begin = len(name) + 1 + len(rest) - len(rest.lstrip(_BLANKS))
    rows = [(offset - begin, number) for offset, number in line.rows]
    # Lines above the value's first character are those of its name.
    first = max(index for index, row in enumerate(rows) if row[0] <= 0)
    return Directive(section, name.strip(_BLANKS), value, ((0, rows[first][1]), *rows[first + 1 :]))
