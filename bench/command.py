"""Commands as a user runs them: ours, and those of etcd."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from requorum.app.practice.lab import obtained

Argv = Sequence[str | Path]

FOUND = 1
"""Ours ends so where it found damage, a difference or a loss: it did its work."""


def requorum(*words: str | Path) -> list[str]:
    """Return the arguments of one of our commands."""
    return [sys.executable, "-m", "requorum", *map(str, words)]


def snapshot_tool(minor: str) -> Path:
    """Return the tool that has `snapshot status` and `restore`; ToolUnfit where there is none."""
    tool = "etcdctl" if minor == "3.4" else "etcdutl"
    return obtained(minor, print).directory / tool


def printed(argv: Argv, *, fine: Sequence[int] = (0,)) -> str:
    """Run it and return what it prints."""
    environment = {**os.environ, "ETCDCTL_API": "3"}
    done = subprocess.run(argv, env=environment, check=False, capture_output=True, text=True)
    if done.returncode not in fine:
        raise SystemExit(f"{argv} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def unheard(argv: Argv, *, fine: Sequence[int] = (0,)) -> None:
    """Run it; what it prints goes nowhere."""
    environment = {**os.environ, "ETCDCTL_API": "3"}
    done = subprocess.run(
        argv, env=environment, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    if done.returncode not in fine:
        raise SystemExit(f"{argv} ended with {done.returncode}: {done.stderr.decode()}")
