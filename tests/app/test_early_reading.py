"""What is begun before anything else."""

import subprocess
import sys
from pathlib import Path

import bbolt_builder

from requorum.app.inspect.database.early_reading import begin_reading
from requorum.formats.source import BufferSource
from requorum.inspection.file_verdict import judge_file

BUCKETS = {b"key": [], b"meta": [(b"term", bytes(8))]}
DATABASE = bbolt_builder.build(BUCKETS).data


def test_a_file(tmp_path: Path) -> None:
    """The verdict that rests on it is that of a file that is read at once."""
    for data in (DATABASE, DATABASE[:-1], bytes(9000)):
        (tmp_path / "s.db").write_bytes(data)
        with begin_reading(str(tmp_path / "s.db")) as begun:
            found = judge_file(BufferSource(data), begun.trailer, begun.content)
        assert found == judge_file(BufferSource(data))


def test_what_is_no_file(tmp_path: Path) -> None:
    """Directories and missing files are for others to complain about."""
    for name in (tmp_path, tmp_path / "missing"):
        with begin_reading(str(name)) as begun:
            assert (begun.trailer, begun.content) == (None, None)


def test_nothing_heavy_is_needed() -> None:
    """Otherwise it would not be early."""
    code = "import sys, requorum.app.inspect.database.early_reading; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
