"""A small slice of `make fuzz-files`: real files of each minor, damaged at random, read by all."""

from collections.abc import Callable
from pathlib import Path

import pytest
from campaign import Campaign
from etcd_tools import Tools
from real_files import record

CASES = 48
SEED = 20261121


@pytest.mark.fuzz
@pytest.mark.etcd
def test_damaged_files_are_read_without_fear(
    etcd_minor: str, etcd_binaries: Callable[[str], Path], tmp_path: Path
) -> None:
    """Nothing but our own errors, within time and memory; what etcd refuses has a place."""
    binaries = etcd_binaries(etcd_minor)
    record(binaries, tmp_path / "files", etcd_minor)
    campaign = Campaign(
        files=tmp_path / "files",
        minors=[etcd_minor],
        seed=SEED,
        room=tmp_path / "room",
        keep=tmp_path / "keep",
        tools=Tools({etcd_minor: binaries}),
        doors_every=6,
    )
    tally = campaign.run(range(CASES), jobs=2, progress=lambda _: None)
    assert not tally.findings
    assert sum(tally.cases.values()) == CASES
    refused = sum(n for (_, theirs, _), n in tally.compared.items() if theirs != "accepted")
    assert refused >= 5, "the damages no longer reach what etcd looks at"
