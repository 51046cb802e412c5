"""How the hashes of files are shown as text."""

from typing import TYPE_CHECKING

from requorum.app.inspect.database.results import HashKvResult
from requorum.cli.output import console
from requorum.cli.render.aligned_text import print_columns, print_line

if TYPE_CHECKING:
    from rich.console import Console

_HEADING = ("hash", "compact revision", "hash revision", "revision", "file")


def show_hashes(result: HashKvResult) -> None:
    """Print the hashes on stdout, and on stderr what they must not be compared with."""
    out = console(err=False)
    rows = [
        (str(f.hash), str(f.compact_revision), str(f.hash_revision), str(f.revision), f.file)
        for f in result.files
    ]
    print_columns(out, _HEADING, rows, left=len(_HEADING) - 1)
    if len(result.files) > 1:
        _show_common(out, result)
    if any(file.hash_revision == file.compact_revision for file in result.files):
        print_line(
            console(),
            "note: asked at a revision that it compacted to itself, a member answers a hash that "
            "it kept from before, with the compact revision of then; compare at a later revision",
            style="yellow",
        )


def _show_common(out: "Console", result: HashKvResult) -> None:
    if result.common is None:
        print_line(out, "not comparable: one begins where another one has ended", style="yellow")
        return
    at = f"at revision {result.common.hash_revision}"
    if result.common.compact_revision > 0:
        at += f", as if all were compacted to {result.common.compact_revision}"
    if result.equal:
        print_line(out, f"equal {at}", style="green")
        return
    print_line(out, f"different {at}:", style="red")
    rows = [(str(file.common_hash), file.file) for file in result.files]
    print_columns(out, ("hash", "file"), rows, left=1)
