"""`requorum inspect snapshot` and `requorum inspect db`: one database file, to its last byte."""

import gc
import sys
from collections.abc import Callable
from typing import Any

import click

from requorum.cli.output import FORMAT, Format, emit_data
from requorum.errors import UsageError

_TOP_MAX = 10_000
_REVISION_DIGITS = len(str(1 << 63))


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what both commands take."""
    for option in (
        FORMAT,
        click.option("--leases", is_flag=True, help="List every lease."),
        click.option(
            "--hashkv",
            metavar="[REV]",
            is_flag=False,
            flag_value="0",
            help="Print the hash of all keys and their history up to REV, the current revision "
            "where none is given, as `etcdctl endpoint hashkv` does; compare several FILEs, "
            "without REV at the greatest revision that all of them have.",
        ),
        click.option(
            "--top",
            type=click.IntRange(1, _TOP_MAX),
            metavar="N",
            help="Name the N largest prefixes and keys, and those with the most revisions.",
        ),
        click.option(
            "--quick",
            is_flag=True,
            help="Only what `etcdutl snapshot status` prints; neither the trailer nor pages that "
            "nothing leads to are looked at.",
        ),
        click.argument("files", nargs=-1, metavar="FILE"),
    ):
        command = option(command)
    return command


@click.command()
@_options
def snapshot(**options: Any) -> None:
    """Inspect FILE, which `etcdctl snapshot save` wrote, before it is needed.

    Its SHA-256, every page and every record are checked, and all damage is listed with its place.

    Ends with 0 where it can be restored as it is, 1 where there are findings, 5 where nothing of
    it can be used.
    """
    _inspect(trailer_expected=True, **options)


@click.command()
@_options
def db(**options: Any) -> None:
    """Inspect FILE, the db of a stopped member or a copy of one, or a data directory.

    Like `inspect snapshot`; but such a file has no SHA-256, which is not held against it here.
    """
    _inspect(trailer_expected=False, **options)


def _inspect(
    *,
    trailer_expected: bool,
    files: tuple[str, ...],
    quick: bool,
    top: int | None,
    hashkv: str | None,
    leases: bool,
    output: Format,
) -> None:
    if hashkv is not None:
        _only("--hashkv", quick=quick, top=top, leases=leases)
        _show_hashes(*_revision_and_files(hashkv, files), output)
    elif quick:
        _only("--quick", top=top, leases=leases)
        _show_numbers(_one(files), output)
    else:
        _show_inspection(
            _one(files), trailer_expected=trailer_expected, top=top, leases=leases, output=output
        )


def _only(option: str, **others: object) -> None:
    """Refuse what would have no effect beside an option."""
    for name, value in others.items():
        if value:
            raise UsageError(f"{option} and --{name} do not go together")


def _one(files: tuple[str, ...]) -> str:
    if len(files) != 1:
        raise UsageError("name one FILE", hint="--hashkv takes several and compares them.")
    return files[0]


def _revision_and_files(word: str, files: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
    """Tell REV from a FILE that follows the option: a word that is no number is a file."""
    number = word.isascii() and word.isdigit() and len(word) <= _REVISION_DIGITS
    revision, named = (int(word), files) if number else (0, (word, *files))
    if not named:
        raise UsageError("name a FILE", hint="A file whose name is a number is written ./NUMBER.")
    return revision, named


def _show_numbers(file: str, output: Format) -> None:
    from requorum.app.inspect.database.quick_numbers import quick_numbers  # noqa: PLC0415  # only who asks pays
    from requorum.cli.render.quick_numbers import show_numbers  # noqa: PLC0415  # the same

    show_numbers(quick_numbers(file), output)


def _show_hashes(revision: int, files: tuple[str, ...], output: Format) -> None:
    import asyncio  # noqa: PLC0415  # --quick does without

    from requorum.app.inspect.database.hash_files import hash_files  # noqa: PLC0415  # the same
    from requorum.cli.render.hashkv import show_hashes  # noqa: PLC0415  # the same

    result = asyncio.run(hash_files(files, revision))
    if output is Format.TABLE:
        show_hashes(result, revision_asked=revision > 0)
    else:
        emit_data(result.model_dump(mode="json"), output)
    sys.exit(0 if result.equal or len(result.files) == 1 else 1)


def _show_inspection(
    file: str, *, trailer_expected: bool, top: int | None, leases: bool, output: Format
) -> None:
    from requorum.app.inspect.database.early_reading import begin_reading  # noqa: PLC0415  # --quick does without

    with begin_reading(file) as begun:
        # All of this takes a while, and the file is being read meanwhile. None of it ever is
        # garbage: to look for some in it, now and at the end, takes as long again.
        gc.disable()
        import asyncio  # noqa: PLC0415  # the same

        from requorum.app.inspect.database.inspect_database import Wishes, inspect_database  # noqa: PLC0415
        from requorum.cli.render.database import (  # noqa: PLC0415  # the same
            exit_code,
            show_inspection,
            show_warnings,
        )
        from requorum.cli.render.stages import shown_stages  # noqa: PLC0415  # the same

        gc.freeze()
        gc.enable()
        wishes = Wishes(top=top, leases=leases)
        with shown_stages() as on_stage:
            result = asyncio.run(inspect_database(file, wishes, on_stage, begun))
    show_warnings(result)
    if output is Format.TABLE:
        show_inspection(result)
    else:
        emit_data(result.model_dump(mode="json"), output)
    sys.exit(exit_code(result, trailer_expected=trailer_expected))
