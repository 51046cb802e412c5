"""How the hashes of files are shown as text."""

from typing import TYPE_CHECKING

from requorum.app.inspect.database.results import CommonRevisionResult, HashKvResult
from requorum.cli.output import console
from requorum.cli.render.aligned_text import plain, print_columns, print_line

if TYPE_CHECKING:
    from rich.console import Console

_HEADING = ("hash", "compact revision", "hash revision", "revision", "file")


def show_hashes(result: HashKvResult, *, revision_asked: bool) -> None:
    """Print the hashes on stdout, and on stderr what they must not be compared with.

    `revision_asked`: somebody named the revision; else each file is hashed at its own current one.
    """
    out = console(err=False)
    if len(result.files) > 1:
        _show_comparison(out, result, revision_asked=revision_asked)
    _show_own(out, result)
    if any(file.hash_revision == file.compact_revision for file in result.files):
        print_line(
            console(),
            "note: asked at a revision that it compacted to itself, a member answers a hash that "
            "it kept from before, with the compact revision of then; compare at a later revision",
            style="yellow",
        )


def _show_comparison(out: "Console", result: HashKvResult, *, revision_asked: bool) -> None:
    if result.common is None:
        why = plain(result.why_not_comparable or "")
        print_line(out, f"not comparable: {why}", style="yellow")
    else:
        at = _at(result.common, revision_asked=revision_asked)
        words, style = ("equal", "green") if result.equal else ("different", "red")
        print_line(out, f"{words} {at}:", style=style)
        rows = [(str(file.common_hash), file.file) for file in result.files]
        print_columns(out, ("hash", "file"), rows, left=1)
    out.print()
    revision = "that revision" if revision_asked else "its own current revision"
    print_line(out, f"each at {revision}, as its member answers it:")


def _at(common: CommonRevisionResult, *, revision_asked: bool) -> str:
    greatest = "" if revision_asked else ", the greatest that all of them have"
    compacted = common.compact_revision
    as_if = f", as if all were compacted to {compacted}" if compacted > 0 else ""
    return f"at revision {common.hash_revision}{greatest}{as_if}"


def _show_own(out: "Console", result: HashKvResult) -> None:
    rows = [
        (str(f.hash), str(f.compact_revision), str(f.hash_revision), str(f.revision), f.file)
        for f in result.files
    ]
    print_columns(out, _HEADING, rows, left=len(_HEADING) - 1)
