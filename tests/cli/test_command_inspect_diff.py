"""`requorum inspect diff`: what is printed, and how it ends."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from store_model import Store

from requorum.cli.main import cli
from requorum.errors import RequorumError

Run = Callable[..., Result]


@pytest.fixture
def diff(tmp_path: Path) -> Run:
    """Return a function that writes two stores into files and compares them."""

    def run(a: Store, b: Store, *options: str) -> Result:
        places = [tmp_path / "a.db", tmp_path / "b.db"]
        for place, store in zip(places, (a, b), strict=True):
            place.write_bytes(store.file())
        return CliRunner().invoke(cli, ["inspect", "diff", *map(str, places), *options])

    return run


def two_days() -> tuple[Store, Store]:
    """Return a store and what became of it."""
    a = Store()
    a.put(b"/registry/pods/default/web-1", b"k8s\0\x01").put(b"/app/config", b'{"size": 1}')
    a.put(b"/app/lease", b"1", lease=0x77).put(b"/app/old", b"1")
    b = a.fork().delete(b"/registry/pods/default/web-1").put(b"/app/config", b'{"size": 2}')
    return a, b.put(b"/app/lease", b"1").put(b"/app/new\x1b[2J", b"1")


def test_the_table(diff: Run, transcript: Callable[[str, str], None], tmp_path: Path) -> None:
    """Sides, histories, counts and keys, as an operator reads them."""
    done = diff(*two_days())
    assert done.exit_code == 1
    transcript("inspect-diff", done.stdout.replace(str(tmp_path), "."))


def test_no_escape_sequence_reaches_the_terminal(diff: Run) -> None:
    """A key with control characters is shown, not obeyed, values too."""
    a, b = two_days()
    b.put(b"/app/json", b'{"a": "\\u001b[31m\\u202e"}')
    done = diff(a, b, "--values")
    assert done.exit_code == 1
    assert not {c for c in done.stdout if not c.isprintable()} - {"\n"}


def test_a_key_is_no_markup(diff: Run) -> None:
    """Names are shown as they are, in the table too."""
    done = diff(Store(), Store().put(b"/[bold]/[red]x:warning:").put(b"/:bomb:/x"))
    assert "/[bold]/[red]x:warning:" in done.stdout
    assert "\n/[bold]/ " in done.stdout
    assert "\n/:bomb:/ " in done.stdout


def test_values_are_compared_line_by_line(diff: Run) -> None:
    """Text and JSON as a diff; other values by size and hash."""
    a, b = two_days()
    b.put(b"/app/config", b'{"size": 2, "name": "x"}').put(b"/app/old", b"\x00")
    shown = diff(a, b, "--values").stdout
    assert '- "size": 1' in shown
    assert '+ "size": 2' in shown
    assert "B: 1 B, sha256 6e340b9cffb37a98" in shown
    assert "size" not in diff(a, b).stdout.replace("size 11", "")


def test_the_same_file(diff: Run) -> None:
    """Nothing differs: 0."""
    store = two_days()[0]
    done = diff(store, store)
    assert done.exit_code == 0
    assert "no key differs" in done.stdout
    assert "one history" in done.stdout


def test_histories_that_part(diff: Run) -> None:
    """Where and how they part is said, and it is a finding even where no chosen key differs."""
    trunk = two_days()[0]
    done = diff(trunk.fork().put(b"k"), trunk.fork().delete(b"/app/old"), "--prefix", "/nothing")
    assert done.exit_code == 1
    assert "the histories part at revision 6" in done.stdout
    assert "A has put k (1 B)" in done.stdout
    assert "B has delete /app/old" in done.stdout


@pytest.mark.parametrize("options", [(), ("--keys",), ("--examples", "0")])
def test_json_that_is_written_bit_by_bit(diff: Run, options: tuple[str, ...]) -> None:
    """It is laid out like every other command's."""
    printed = diff(*two_days(), *options, "-o", "json").stdout
    assert printed == json.dumps(json.loads(printed), indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_one_document(diff: Run, output: str) -> None:
    """One object on stdout, the same in both forms."""
    done = diff(*two_days(), "--keys", "-o", output)
    found = json.loads(done.stdout) if output == "json" else yaml.safe_load(done.stdout)
    assert found["outcome"] == "different"
    assert found["counts"] == {
        "added": 1,
        "removed": 1,
        "changed": 1,
        "rewritten": 1,
        "unknown": 0,
    }
    assert [key["kind"] for key in found["keys"]] == ["changed", "rewritten", "added", "removed"]


def test_noise_is_named(diff: Run) -> None:
    """Where most of it is what Kubernetes renews, the hint says how to leave it out."""
    a, b = two_days()
    for number in range(9):
        b.put(b"/registry/events/default/e%d" % number)
    done = diff(a, b)
    assert "--exclude /registry/events/" in done.stderr
    quiet = diff(a, b, "--exclude", "/registry/events/")
    assert "--exclude" not in quiet.stderr
    assert "events" not in quiet.stdout


def test_a_key_in_quotes_is_a_prefix(diff: Run) -> None:
    """What is shown can be typed back."""
    done = diff(*two_days(), "--prefix", '"/app/new\\x1b"', "-o", "json")
    assert [key["key"] for key in json.loads(done.stdout)["keys"]] == ["/app/new\x1b[2J"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--rev", "3"], 0),
        (["--rev-a", "5", "--rev-b", "5"], 0),
        (["--rev", "5", "--rev-a", "3"], 1),
        (["--rev", "6"], 2),
        (["--rev", "0"], 2),
        (["--rev-b", "10"], 2),
    ],
)
def test_revisions(diff: Run, options: list[str], code: int) -> None:
    """Both, or each for itself; one that is not there is a usage error."""
    done = diff(*two_days(), *options)
    error = done.exception
    assert (error.exit_code if isinstance(error, RequorumError) else done.exit_code) == code


def run_alone(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "requorum", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=cwd, timeout=60)


def test_errors_are_lines_and_exit_codes(tmp_path: Path) -> None:
    """No traceback: 2 for what is not there, 5 for what holds nothing useful."""
    (tmp_path / "zeros.db").write_bytes(bytes(100_000))
    missing = run_alone("inspect", "diff", "zeros.db", "nothing.db", cwd=tmp_path)
    assert missing.returncode == 2
    assert missing.stderr.startswith("error: there is no file or directory nothing.db")
    damaged = run_alone("inspect", "diff", "zeros.db", "zeros.db", cwd=tmp_path)
    assert damaged.returncode == 5
    assert damaged.stderr.startswith("error: ")
    assert "hint:" in damaged.stderr
