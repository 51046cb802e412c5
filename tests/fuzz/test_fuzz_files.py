"""A small slice of `make fuzz-files`: real files of each minor, damaged at random, read by all."""

from collections.abc import Callable
from pathlib import Path

import pytest
from campaign import Campaign, Tally
from etcd_tools import Tools
from real_files import record

CASES = 48
FEW = 16
SEED = 20261121


@pytest.mark.etcd
def test_every_reader_is_asked(etcd_binaries: Callable[[str], Path], tmp_path: Path) -> None:
    """A few cases in every run of the tests: the long proof itself must work when it is wanted."""
    tally = damaged("3.5", etcd_binaries("3.5"), tmp_path, cases=FEW, doors_every=2)
    assert not tally.findings
    assert sum(tally.cases.values()) == FEW


@pytest.mark.fuzz
@pytest.mark.etcd
def test_damaged_files_are_read_without_fear(
    etcd_minor: str, etcd_binaries: Callable[[str], Path], tmp_path: Path
) -> None:
    """Nothing but our own errors, within time and memory; what etcd refuses has a place."""
    tally = damaged(etcd_minor, etcd_binaries(etcd_minor), tmp_path, cases=CASES, doors_every=6)
    assert not tally.findings
    assert sum(tally.cases.values()) == CASES
    refused = sum(n for (_, theirs, _), n in tally.compared.items() if theirs != "accepted")
    assert refused >= 5, "the damages no longer reach what etcd looks at"


def damaged(minor: str, binaries: Path, room: Path, *, cases: int, doors_every: int) -> Tally:
    """Return what came of that many cases, with files of one minor."""
    record(binaries, room / "files", minor)
    campaign = Campaign(
        files=room / "files",
        minors=[minor],
        seed=SEED,
        room=room / "room",
        keep=room / "keep",
        tools=Tools({minor: binaries}),
        doors_every=doors_every,
    )
    return campaign.run(range(cases), jobs=2, progress=lambda _: None)
