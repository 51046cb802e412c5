"""`requorum inspect wal`: what is printed, and how it ends."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from made_wal import (
    MadeWal,
    delete,
    entries,
    entry,
    lease_grant,
    lease_revoke,
    mark,
    mod_equals,
    op_delete,
    op_get,
    put,
    request,
    state,
    txn,
)

from requorum.app.inspect.wal.results import WalRecord
from requorum.cli.main import cli
from requorum.errors import RequorumError

Inspect = Callable[..., Result]
LEASE = 0x694D_0000_0000_0005
KEY = b"/registry/pods/default/web"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Return a data directory with a log of a bit of everything, and damage."""
    removal = txn([mod_equals(KEY, 7)], [op_delete(KEY)], [op_get(KEY)])
    records = [
        mark(0, 0),
        *entries(b"", put(KEY), lease_grant(LEASE), put(b"\x1b[2Jevil\n", lease=LEASE)),
        state(4),
        *entries(put(b"lost"), removal, first=5),
        entry(7, put(b"never committed")),
        *entries(b"", request(5, b"\x0a\x01x", user="alice"), first=7, term=3),
        entry(9, lease_revoke(LEASE), term=3),
        state(8, term=3),
    ]
    wal = MadeWal(records, cuts=[6])
    wal.segments[1].damage(0)
    return wal.write(tmp_path / "data")


@pytest.fixture
def inspect(data_dir: Path) -> Inspect:
    """Return a function that inspects the log with some options."""

    def run(*options: str) -> Result:
        return CliRunner().invoke(cli, ["inspect", "wal", str(data_dir), *options])

    return run


def test_the_table(
    inspect: Inspect, transcript: Callable[[str, str], None], tmp_path: Path
) -> None:
    """A line a record, and what there is to say of the log, as an operator reads them."""
    done = inspect()
    assert done.exit_code == 1
    transcript("inspect-wal", done.output.replace(str(tmp_path), "."))


def test_everything(inspect: Inspect, transcript: Callable[[str, str], None]) -> None:
    """The same with every record, values, and the entries that were replaced."""
    done = inspect("--records", "--values", "--superseded", "--lease-keys")
    transcript("inspect-wal-everything", done.output)


def test_who_deleted_this_key(inspect: Inspect) -> None:
    """One line; the damage that may hide another one is told beside it."""
    done = inspect("--key", KEY.decode(), "--kind", "delete")
    (found,) = done.stdout.splitlines()[1:]
    assert found.split()[:4] == ["6", "2", "694d", "txn"]
    assert f"if mod({KEY.decode()}) = 7 then delete {KEY.decode()}" in found
    assert "entry 5 is lost" in done.stderr


@pytest.mark.parametrize("key", [r'"\x1b[2Jevil\n"', "\x1b[2Jevil\n"])
def test_a_key_as_it_is_shown_can_be_typed(inspect: Inspect, key: str) -> None:
    """Quoted, or with its very bytes."""
    done = inspect("--key", key, "-o", "jsonl")
    assert [json.loads(line)["index"] for line in done.stdout.splitlines()] == [4, 9]


def test_no_escape_sequence_reaches_the_terminal(inspect: Inspect) -> None:
    """Keys with control characters are shown, not obeyed."""
    done = inspect("--records", "--superseded", "--lease-keys")
    assert "evil" in done.stdout
    assert not {c for c in done.output if not c.isprintable()} - {"\n"}


def test_the_forms_of_output_are_the_same_data(inspect: Inspect) -> None:
    """JSON and YAML are one document with a summary; JSON lines are its records."""
    options = ("--records", "--superseded", "--lease-keys")
    document = json.loads(inspect(*options, "-o", "json").stdout)
    assert yaml.safe_load(inspect(*options, "-o", "yaml").stdout) == document
    lines = inspect(*options, "-o", "jsonl")
    assert [json.loads(line) for line in lines.stdout.splitlines()] == document["records"]
    assert document["summary"]["shown"] == len(document["records"])
    for line in lines.stdout.splitlines():
        assert WalRecord.model_validate_json(line).model_dump_json() == line


def test_every_record_has_every_field(inspect: Inspect) -> None:
    """A machine never has to ask whether a field is there."""
    done = inspect("--records", "--superseded", "-o", "jsonl")
    for line in done.stdout.splitlines():
        assert list(json.loads(line)) == list(WalRecord.model_fields)


@pytest.mark.parametrize("output", ["json", "yaml", "jsonl", "table"])
def test_nothing_fits(inspect: Inspect, output: str) -> None:
    """It is still a document; the other forms say so on stderr."""
    done = inspect("--key", "nothing", "-o", output)
    if output in ("json", "yaml"):
        assert yaml.safe_load(done.stdout)["records"] == []
        assert done.stderr == ""
    else:
        assert "nothing in this log fits" in done.stderr


def test_a_sound_log_ends_with_0(tmp_path: Path) -> None:
    """Damage is what 1 stands for."""
    path = MadeWal([*entries(b"", put(b"a"), delete(b"a")), state(2)]).write(tmp_path / "data")
    done = CliRunner().invoke(cli, ["inspect", "wal", str(path)])
    assert (done.exit_code, "lost" in done.output) == (0, False)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--key", "a", "--prefix", "b"], 2),
        (["--kind", "put,nonsense"], 2),
        (["--limit", "1", "--from-end", "1"], 2),
        (["--key", '"unfinished'], 2),
        (["--db", "/nowhere", "--key", "a"], 2),
    ],
)
def test_wrong_calls(inspect: Inspect, options: list[str], code: int) -> None:
    """They are refused with a message."""
    done = inspect(*options)
    assert isinstance(done.exception, RequorumError)
    assert done.exception.exit_code == code
    assert done.stdout == ""


def test_head_ends_it_quietly(tmp_path: Path) -> None:
    """Whoever reads no further gets no words, and what other tools end with then."""
    MadeWal([*entries(*[put(b"k" * 60)] * 3000), state(2999)]).write(tmp_path / "data")
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", "$R inspect wal data | head -n 2"],
        cwd=tmp_path,
        env=os.environ | {"R": f"{sys.executable} -m requorum"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (141, "")
    assert len(done.stdout.splitlines()) == 2


@pytest.mark.parametrize(("path", "code"), [("nowhere", 2), (".", 2), ("bad.wal", 5)])
def test_where_there_is_nothing_to_read(tmp_path: Path, path: str, code: int) -> None:
    """2 where there is no log, 5 where nothing can be read; with what to do."""
    (tmp_path / "bad.wal").write_bytes(b"\xff" * 4096)
    done = CliRunner().invoke(cli, ["inspect", "wal", str(tmp_path / path)])
    assert isinstance(done.exception, RequorumError)
    assert done.exception.exit_code == code
    assert done.exception.hint


def test_a_terminal_of_another_encoding(tmp_path: Path) -> None:
    """Characters that it does not have are escaped."""
    MadeWal([*entries(put("/förderung".encode())), state(1)]).write(tmp_path / "data")
    done = subprocess.run(
        [sys.executable, "-m", "requorum", "inspect", "wal", str(tmp_path / "data")],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0
    assert rb"/f\u00f6rderung" in done.stdout
