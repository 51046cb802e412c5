"""Pages and files that are written from the code, and held against it.

`REQUORUM_REWRITE=1` writes them anew instead; read the difference before committing it.
"""

import os
from pathlib import Path

MARK = "<!-- From here on written from the code; see tests/docs/rewriting.py. -->\n"


def hold_whole(path: Path, expected: str) -> None:
    """Compare a file that is written from the code altogether."""
    if os.environ.get("REQUORUM_REWRITE"):
        path.write_text(expected, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == expected, f"{path} is not up to date"


def hold_below_mark(page: Path, expected: str) -> None:
    """Compare what follows the mark in a page; what stands above it is written by hand."""
    head, mark, _ = page.read_text(encoding="utf-8").partition(MARK)
    assert mark, f"{page} has no mark"
    hold_whole(page, f"{head}{MARK}\n{expected}")
