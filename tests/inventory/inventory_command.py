"""`requorum inventory` run as a user does."""

import os
import subprocess
import sys
from pathlib import Path

import requorum


def run(
    folder: Path, *words: str, stdin: str = "", command: str = "discover"
) -> "subprocess.CompletedProcess[str]":
    """Run it as a user does, in that folder."""
    return subprocess.run(
        [sys.executable, "-m", "requorum", "inventory", command, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(requorum.__file__).parents[1])},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
