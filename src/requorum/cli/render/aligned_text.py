"""Labels and columns that stand below each other, and nothing that a terminal would obey."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from requorum.cli.render.key_text import quoted

if TYPE_CHECKING:
    from rich.console import Console

Row = tuple[str, str]
"""A label, empty where the row goes on with the one before, and what it names."""


def plain(text: str) -> str:
    """Return a text out of a file as one line that no terminal obeys."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return quoted(character.encode("utf-8", "surrogateescape"))[1:-1]


def print_line(out: "Console", text: str, style: str | None = None) -> None:
    """Print one line as it is."""
    out.print(text, style=style, markup=False, soft_wrap=True)


def print_heading(out: "Console", text: str, *, style: str = "bold") -> None:
    """Print the first line of a section, apart from the one before."""
    out.print()
    print_line(out, text, style=style)


def listed(label: str, texts: Iterable[str]) -> Iterator[Row]:
    """Yield a row for each text, the first one with the label."""
    for number, text in enumerate(texts):
        yield "" if number else label, text


def print_rows(out: "Console", rows: Iterable[Row]) -> None:
    """Print rows with their texts below each other."""
    found = list(rows)
    width = max((len(label) for label, _ in found), default=0)
    for label, text in found:
        print_line(out, f"{label:{width}}  {plain(text)}".rstrip())


def print_columns(
    out: "Console", heading: Sequence[str], rows: Iterable[Sequence[str]], *, left: int
) -> None:
    """Print columns of numbers to the right and, from column `left` on, texts to the left."""
    table = [tuple(heading), *(tuple(map(plain, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for number, row in enumerate(table):
        cells = [
            cell.ljust(width) if column >= left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print_line(out, "  ".join(cells).rstrip(), style=None if number else "bold")
