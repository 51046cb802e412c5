"""The command line as a user runs it, but within this process: each call would cost a start."""

import io
import os
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

from requorum.cli.main import run


def requorum(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command in a directory; return what it printed and how it ended."""
    out, err = io.StringIO(), io.StringIO()
    before = Path.cwd()
    os.chdir(cwd)
    try:
        with (
            mock.patch("sys.argv", ["requorum", *arguments]),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            run()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        os.chdir(before)
    return subprocess.CompletedProcess(list(arguments), code, out.getvalue(), err.getvalue())
