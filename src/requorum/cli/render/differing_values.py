"""How two values of one key are shown: line by line where they are text, else by their hashes."""

import difflib
import json

from requorum.app.inspect.diff.results import KeyResult, ValueResult
from requorum.domain.units import binary_size

_DIFF_LINES_MAX = 400
"""difflib needs time that grows with the square of the lines."""


def value_lines(found: KeyResult) -> list[str]:
    """Return the lines to show below a key; none without `--values`, or where both are alike."""
    ours, theirs = (side.value if side is not None else None for side in (found.a, found.b))
    if (ours is None and theirs is None) or found.kind == "rewritten":
        return []
    a_lines, b_lines = _lines(ours), _lines(theirs)
    comparable = a_lines is not None and b_lines is not None
    if not comparable or len(a_lines or ()) + len(b_lines or ()) > _DIFF_LINES_MAX:
        sides = ((found.a, ours), (found.b, theirs))
        return [
            f"{'AB'[place]}: {binary_size(side.value_size)}, sha256 {value.sha256}"
            for place, (side, value) in enumerate(sides)
            if side is not None and value is not None
        ]
    lines = difflib.unified_diff(a_lines or [], b_lines or [], "A", "B", lineterm="", n=2)
    return [plain(line) for line in lines][2:]


def _lines(value: ValueResult | None) -> list[str] | None:
    """Return a value's lines, JSON with one field a line; None where it is not text."""
    if value is None:
        return []
    if value.text is None:
        return None
    try:
        return json.dumps(json.loads(value.text), indent=1, ensure_ascii=False).splitlines()
    except (ValueError, RecursionError):
        return value.text.splitlines()


def plain(line: str) -> str:
    """Return a line that no terminal obeys: JSON may spell any character."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line.expandtabs())
