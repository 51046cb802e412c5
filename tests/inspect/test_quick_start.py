"""`--quick` starts at once: it imports nothing that it does not need."""

import subprocess
import sys
from pathlib import Path

from made_files import write_snapshot

HEAVY = {"asyncio", "pydantic", "rich", "grpc", "google", "yaml", "subprocess", "ssl"}

CODE = f"""
import sys
from requorum.cli.command_inspect_database import snapshot
snapshot.main(sys.argv[1:], standalone_mode=False)
print(sorted({HEAVY!r} & set(sys.modules)))
"""


def test_quick_imports_little(tmp_path: Path) -> None:
    """Of what is heavy, numpy alone."""
    write_snapshot(tmp_path / "s.db")
    done = subprocess.run(
        [sys.executable, "-c", CODE, "s.db", "--quick"],
        capture_output=True, text=True, check=True, cwd=tmp_path, timeout=60,
    )  # fmt: skip  # one call
    assert done.stdout.splitlines()[0].startswith("hash ")
    assert done.stdout.splitlines()[-1] == "[]"
