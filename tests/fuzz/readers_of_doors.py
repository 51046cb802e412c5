"""The commands themselves, as an operator would type them, on one damaged file or directory."""

import json
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from cases import Case
from click.testing import CliRunner, Result

from requorum.cli.main import cli
from requorum.errors import RequorumError

_EXPECTED = (SystemExit, RequorumError, click.ClickException)
_EXIT_CODES = {0, 1, 3, 5}
_NOTHING_THERE = 2
"""Where the only segment was taken away, there is no WAL to inspect."""


def knock(case: Case) -> Iterator[str]:
    """Open every door; yield what was wrong with an answer."""
    if case.data_dir is not None:
        room = str(case.data_dir)
        asked = [
            ("inspect", "datadir", room),
            ("inspect", "datadir", room, "--quick", "-o", "json"),
            ("inspect", "wal", room, "--records"),
            ("inspect", "wal", room, "--values", "--records", "--superseded", "-o", "jsonl"),
            ("salvage", room, "--format", "json"),
        ]
    else:
        path = str(case.path)
        asked = [
            ("inspect", "snapshot", path),
            ("inspect", "db", path, "--top", "5", "--leases", "-o", "json"),
            ("inspect", "db", path, "--hashkv"),
            ("inspect", "db", path, "--quick"),
            ("inspect", "diff", path, str(case.pristine), "-o", "json"),
            ("salvage", path, "-o", str(case.path.with_name("salvaged"))),
        ]
    for arguments in asked:
        yield from _wrong_with(arguments, _run(arguments))


def predictions(room: Path) -> dict[str, str]:
    """Return by minor how `inspect datadir` says that a start ends; empty if nothing is read."""
    result = _run(("inspect", "datadir", str(room), "-o", "json"))
    problems = list(_wrong_with(("inspect", "datadir", str(room), "-o", "json"), result))
    assert not problems, problems
    if not result.stdout.startswith("{"):
        return {}
    answer: dict[str, Any] = json.loads(result.stdout)
    return {
        boot["etcd"]: boot["outcome"] + ("" if boot["at_once"] else ", later")
        for boot in answer["boots"]
    }


def _run(arguments: Sequence[str]) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def _wrong_with(arguments: Sequence[str], result: Result) -> Iterator[str]:
    what = " ".join(arguments)
    error = result.exception
    if error is not None and not isinstance(error, _EXPECTED):
        trace = "".join(traceback.format_exception(error))
        yield f"`{what}` raises: {trace}"
        return
    code = getattr(error, "exit_code", None) if error else result.return_value
    code = result.exit_code if isinstance(error, SystemExit) else code or 0
    gone = code == _NOTHING_THERE and "there is no WAL" in str(error)
    if code not in _EXIT_CODES and not gone:
        yield f"`{what}` ends with {code}: {error}"
    if "json" in arguments and result.stdout:
        json.loads(result.stdout)
    if "jsonl" in arguments:
        for line in result.stdout.splitlines():
            json.loads(line)
    odd = {c for c in result.output if not c.isprintable() and c != "\n"}
    if odd:
        yield f"`{what}` prints {sorted(odd)!r}"
