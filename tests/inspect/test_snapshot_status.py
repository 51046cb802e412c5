"""The numbers are those of etcd's own tools: each minor's, on files of each minor."""

from collections.abc import Callable
from pathlib import Path

import pytest
from etcd_files import Recorded
from real_tools import ToolStatus, snapshot_status

from requorum.clients.hosts.local_source import FileSource
from requorum.formats import snapshot_status as ours
from requorum.formats.snapshot_file import split_trailer
from requorum.formats.source import Head

pytestmark = pytest.mark.etcd

MINORS = ("3.4", "3.5", "3.6", "3.7")
FILES = {"empty", "uncompacted", "compacted", "everything", "member", "interrupted", "killed"}


def counted_by(tool: str, path: Path) -> ToolStatus:
    """Return what we say that a minor's tool prints."""
    source = FileSource(str(path))
    try:
        found = ours.snapshot_status(Head(source, split_trailer(source).db_size))
    finally:
        source.close()
    assert found.total_keys_live is not None
    counts_live = tool not in ("3.4", "3.5")
    return ToolStatus(
        hash=found.hash,
        revision=found.revision,
        total_key=found.total_keys_live if counts_live else found.total_keys_all_buckets,
        total_size=found.total_size,
        version=found.storage_version if counts_live else "",
    )


@pytest.mark.parametrize("tool", MINORS)
def test_equals_the_tools(
    tool: str, recorded: Recorded, etcd_binaries: Callable[[str], Path]
) -> None:
    """Hash, revision, total keys, total size and version, of every file."""
    bin_dir = etcd_binaries(tool)
    assert set(recorded.files) >= FILES
    theirs = {n: snapshot_status(bin_dir, tool, path) for n, path in recorded.files.items()}
    assert {n: counted_by(tool, path) for n, path in recorded.files.items()} == theirs


def test_the_two_counts_differ(recorded: Recorded) -> None:
    """So that a test which compares one with the other could not pass."""
    for name in FILES - {"empty"}:
        old, new = (counted_by(tool, recorded.files[name]) for tool in ("3.5", "3.6"))
        assert old.total_key > new.total_key > 0
