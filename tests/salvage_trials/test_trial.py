"""A whole trial with a salvage that is ours to make good or bad; and its result in real etcd."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from made_crash import MadeCrash, Records, database_of

from requorum.clients.etcd.client import connect as connect_etcd
from requorum.errors import DamagedInput
from requorum.lab.salvage_trials.drawn import LOST, Drawn, MemberHarm, draw
from requorum.lab.salvage_trials.judged import Claims
from requorum.lab.salvage_trials.record import ServedRecord, TrialRecord
from requorum.lab.salvage_trials.result_file import ResultFile
from requorum.lab.salvage_trials.served import serve
from requorum.lab.salvage_trials.summary import summarise
from requorum.lab.salvage_trials.trial import Bench, Salvage, run_trial
from requorum.ports.etcd import Etcd

GONE = MemberHarm(db=(LOST,), wal=(LOST,))
NOWHERE = Path("/nonexistent")


def connect(url: str) -> Etcd:
    """Connect without TLS and user."""
    return connect_etcd(url, tls=None, credentials=None)


def write(file: Path, data: bytes) -> None:
    """Write a snapshot file."""
    file.write_bytes(data + hashlib.sha256(data).digest())


def try_salvage(
    crash: MadeCrash, directory: Path, salvage: Salvage, *harms: MemberHarm
) -> TrialRecord:
    """Run a trial whose result no etcd can be asked about."""
    drawn = draw(3, ["3.5.0", "3.6.0"], members=3)
    if harms:
        drawn = Drawn(seed=3, version="3.5.0", other="3.6.0", load=0, harms=harms, common=None)
    bench = Bench(
        directory=directory,
        bin_dirs={"3.5.0": NOWHERE, "3.6.0": NOWHERE},
        connect=connect,
        salvage=salvage,
    )
    return run_trial(drawn, crash.recorded, bench)


def refuses(_: Sequence[Path], __: Path) -> Claims:
    """Salvage nothing."""
    raise DamagedInput("there is nothing to save")


def test_a_traceback_is_a_finding(crash: MadeCrash, tmp_path: Path) -> None:
    """The trial goes on, and tells where it was raised."""

    def breaks(_: Sequence[Path], __: Path) -> Claims:
        raise KeyError("bug")

    record = try_salvage(crash, tmp_path, breaks)
    assert "KeyError: 'bug'" in record.failures[0]
    assert "in breaks" in record.failures[0]


def test_refusing_is_right_where_nothing_is_left(crash: MadeCrash, tmp_path: Path) -> None:
    """And wrong everywhere else."""
    (tmp_path / "gone").mkdir()
    record = try_salvage(crash, tmp_path / "gone", refuses, GONE, GONE, GONE)
    assert (record.failures, record.nothing_left) == ((), True)
    (tmp_path / "left").mkdir()
    record = try_salvage(
        crash, tmp_path / "left", refuses, GONE, GONE, MemberHarm(db=(), wal=(LOST,))
    )
    assert record.failures == ("nothing was salvaged, though something is proven",)


def test_etcd_that_does_not_serve_is_a_failure(crash: MadeCrash, tmp_path: Path) -> None:
    """Here because there is none: the tool does not start."""

    def salvages(_: Sequence[Path], file: Path) -> Claims:
        write(file, database_of(crash.truth, 1))
        return Claims()

    record = try_salvage(crash, tmp_path, salvages)
    assert record.judged is not None
    assert record.judged.failures == ()
    assert all("does not start" in failure for failure in record.failures)


def test_summary() -> None:
    """Failures are named by seed."""
    fine = TrialRecord(seed=1, version="3.5.0", load=0, nothing_left=True)
    served = ServedRecord(version="3.6.0", troubles=("it panics",))
    bad = TrialRecord(seed=2, version="3.4.0", load=1, nothing_left=True, served=(served,))
    summary = summarise([fine, bad])
    assert (summary.trials, summary.failed, summary.served) == (2, (2,), 1)
    assert summary.by_version == {"3.4.0": 1, "3.5.0": 1}


@pytest.fixture
def binaries(etcd_minor: str, etcd_binaries: Callable[[str], Path]) -> Path:
    """Return the directory of one minor's binaries."""
    return etcd_binaries(etcd_minor)


@pytest.mark.etcd
async def test_served_as_it_lies_in_the_file(
    crash: MadeCrash, binaries: Path, tmp_path: Path
) -> None:
    """Every minor serves the truth."""
    assert await served(crash, binaries, tmp_path) == ()


@pytest.mark.etcd
async def test_another_file_is_noticed(
    crash: MadeCrash, etcd_binaries: Callable[[str], Path], tmp_path: Path
) -> None:
    """What is served is held against the file, key by key and by its hash."""
    troubles = await served(crash, etcd_binaries("3.5"), tmp_path, expected=_without_the_last)
    assert any("is served, but not in the file" in trouble for trouble in troubles)
    assert any("HashKV" in trouble for trouble in troubles)


def _without_the_last(records: Records) -> Records:
    return list(records)[:-1]


async def served(
    crash: MadeCrash,
    binaries: Path,
    directory: Path,
    expected: Callable[[Records], Records] = lambda records: records,
) -> tuple[str, ...]:
    """Return how etcd's answers differ from a file with other records than it was given."""
    file = directory / "salvaged.db"
    write(file, database_of(crash.truth, 1))
    other = database_of(crash.truth, 1, change=expected)
    result = ResultFile(other + hashlib.sha256(other).digest())
    return await serve(
        file, result, directory / "served", bin_dir=binaries, connect=connect, seed=1
    )
