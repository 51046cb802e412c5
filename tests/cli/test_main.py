"""The command line: exit codes, hints, and how little `version` imports."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from requorum import __version__

pytestmark = pytest.mark.processes


def requorum(*arguments: str, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line as a user does."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ETCDCTL_", "REQUORUM_"))}
    return subprocess.run(
        [sys.executable, "-m", "requorum", *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=kept | {"REQUORUM_STATE_DIR": str(cwd / "state")} | environment,
        timeout=60,
    )


def test_version_imports_next_to_nothing(tmp_path: Path) -> None:
    """It answers at once because it leaves all heavy modules alone."""
    code = (
        "import sys; sys.argv=['requorum','version'];"
        "from requorum.__main__ import main; main();"
        "heavy = {'click','pydantic','grpc','numpy','rich','yaml','asyncio'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout.splitlines() == [f"requorum {__version__}", "[]"]


def test_version_as_json(tmp_path: Path) -> None:
    """With -o it is data like every other result."""
    done = requorum("version", "-o", "json", cwd=tmp_path)
    assert json.loads(done.stdout) == {"version": __version__}


@pytest.mark.parametrize("arguments", [["--help"], ["recover", "--help"], ["lab", "--help"]])
def test_help(arguments: list[str], tmp_path: Path) -> None:
    """Help goes to stdout and exits with 0."""
    done = requorum(*arguments, cwd=tmp_path)
    assert done.returncode == 0
    assert "Usage:" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["recovr"],
        ["recover", "--no-such-flag"],
        ["recover", "-o", "xml"],
        ["restore"],
        ["runs", "show"],
        ["lab", "crash", "--dir", "none"],
    ],
)
def test_usage_errors_exit_with_2(arguments: list[str], tmp_path: Path) -> None:
    """A wrong call is exit code 2, one message on stderr, nothing on stdout."""
    done = requorum(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_no_cluster_file(tmp_path: Path) -> None:
    """The hint says where one comes from."""
    done = requorum("recover", "--plan", cwd=tmp_path)
    assert done.returncode == 2
    assert "error: there is no cluster file requorum.yaml" in done.stderr
    assert "hint:" in done.stderr


def test_a_malformed_cluster_file_names_its_line(tmp_path: Path) -> None:
    """So the operator finds it, with -o json as well."""
    (tmp_path / "bad.yaml").write_text("cluster: x\nmembers: 5\n", encoding="utf-8")
    for extra in ([], ["-o", "json"]):
        done = requorum("recover", "--yes", *extra, cwd=tmp_path, REQUORUM_CLUSTER="bad.yaml")
        assert done.returncode == 2
        assert "bad.yaml:2: members:" in done.stderr


def test_no_runs_yet(tmp_path: Path) -> None:
    """An empty list is no error; asking for one run is."""
    listed = requorum("runs", "list", "-o", "json", cwd=tmp_path)
    assert (listed.returncode, json.loads(listed.stdout)) == (0, [])
    assert requorum("runs", "resume", "--yes", cwd=tmp_path).returncode == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, tmp_path: Path) -> None:
    """Each shell gets a script that asks requorum."""
    done = requorum("completion", shell, cwd=tmp_path)
    assert done.returncode == 0
    assert "_REQUORUM_COMPLETE" in done.stdout
