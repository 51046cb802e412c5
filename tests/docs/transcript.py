"""Run a shown session in a real shell, and hold what it says against what the page shows.

Numbers, ids and paths differ from run to run: they are written alike on both sides. A line with
only "…" stands for any lines, and "…" within a line for any words.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from doc_pages import ROOT, Block

BLOCK_SECONDS = 240
HOME = "/home/you"

_BETWEEN = "\x01"
_RUN_ID = re.compile(r"\b\d{8}-\d{6}-[a-z2-7]{4}\b")
_HEX_ID = re.compile(r"\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{8,16}\b")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.:]\d+)*(?![\w])")
_BLANKS = re.compile(r" +")


def session_env(home: Path, *, etcd_bin: Path, etcd_cache: Path) -> dict[str, str]:
    """Return the environment of a reader: `requorum` and etcd's tools on PATH, state of its own."""
    bin_dir = home / ".bin"
    bin_dir.mkdir()
    script = bin_dir / "requorum"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m requorum "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return {
        "PATH": f"{bin_dir}:{etcd_bin}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "REQUORUM_ETCD_CACHE": str(etcd_cache),
        "REQUORUM_STATE_DIR": str(home / ".requorum"),
    }


def run_block(block: Block, home: Path, env: Mapping[str, str]) -> list[str]:
    """Run a block's commands in one shell; return what each of them printed.

    The directory and the exported variables pass on to the page's next block. AssertionError
    when the last command does not end as the page says.
    """
    kept = home / ".session"
    script = [f". {kept}" if kept.exists() else "", "exec 2>&1"]
    for command in block.commands:
        script += [f"printf '{_BETWEEN}'", command.text]
    script += ["ended=$?", f"export -p > {kept}", f'echo "cd $PWD" >> {kept}', "exit $ended"]
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=home,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=BLOCK_SECONDS,
        check=False,
    )
    printed = done.stdout.decode("utf-8", "replace")
    assert done.returncode == block.exit_code, f"{block.place}: {done.returncode}\n{printed}"
    return printed.split(_BETWEEN)[1:]


def alike(text: str, home: Path) -> str:
    """Return the text with all that differs from run to run written alike."""
    text = text.replace(str(home), HOME)
    text = _RUN_ID.sub("RUN", text)
    text = _HEX_ID.sub("ID", text)
    return _BLANKS.sub(" ", _NUMBER.sub("N", text))


def pattern_of(shown: tuple[str, ...], home: Path) -> re.Pattern[str]:
    """Return what the output must match."""
    lines = [
        r"(?:.*\n)*?"
        if line.strip() == "…"
        else r".*".join(re.escape(part) for part in alike(line, home).rstrip().split("…")) + r" ?\n"
        for line in shown
    ]
    return re.compile("".join(lines))


def differences(block: Block, printed: list[str], home: Path) -> list[str]:
    """Return, for each command whose output is not as shown, both."""
    found = []
    for command, output in zip(block.commands, printed, strict=True):
        said = alike(output, home)
        if said and not said.endswith("\n"):
            said += "\n"
        if pattern_of(command.shown, home).fullmatch(said) is None:
            shown = "\n".join(command.shown)
            found.append(f"{block.place}: $ {command.text}\n--- shown\n{shown}\n--- said\n{output}")
    return found
