"""The journal on a disk: torn, full, failing, and with secrets about."""

import os
import resource
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from toy_world import (
    GOAL,
    START,
    STEPS,
    ToyWorld,
    approved,
    facts_of,
    new_world,
    redact,
    toy_plan,
)

from requorum.errors import DamagedInput, Refused, RequorumError
from requorum.workflow import events
from requorum.workflow.events import Note
from requorum.workflow.journal import Journal
from requorum.workflow.observer import SilentObserver
from requorum.workflow.run_files import read_run_files
from requorum.workflow.runner import execute, rollback


def history(run_dir: Path) -> list[str]:
    """Return the types of the recorded events."""
    return [record.event.type for record in read_run_files(run_dir).records]


def test_a_new_run_is_its_owners_only_and_holds_its_plan(tmp_path: Path) -> None:
    """The directory, the plan and the journal are there, private, and read back."""
    plan = toy_plan()
    with Journal.create(tmp_path / "runs", plan, redact=redact) as journal:
        assert journal.state().status == "planned"
        assert journal.load_plan(STEPS).encode() == plan.encode()
    run_dir = tmp_path / "runs" / plan.run_id
    assert stat.S_IMODE(run_dir.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in run_dir.iterdir()} == {0o600}
    assert sorted(path.name for path in run_dir.iterdir()) == [
        "journal.jsonl",
        "lock",
        "plan.json",
    ]


def test_a_torn_line_never_merges_with_the_next(tmp_path: Path) -> None:
    """Wherever the last line broke off, the next one replaces it."""
    run_dir = approved(tmp_path, toy_plan())
    whole = (run_dir / "journal.jsonl").read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    for kept in range(len(last)):
        (run_dir / "journal.jsonl").write_bytes(whole[: len(whole) - len(last) + kept])
        with Journal.open(run_dir, redact=redact) as journal:
            assert journal.state().status == "planned"
            journal.approve(by="again")
            journal.append(events.Started())
        assert history(run_dir) == ["planned", "approved", "started"]


def test_nothing_of_a_torn_line_stays_behind_the_next(tmp_path: Path) -> None:
    """A tail that is longer than the line that replaces it goes as a whole."""
    run_dir = approved(tmp_path, toy_plan())
    path = run_dir / "journal.jsonl"
    path.write_bytes(path.read_bytes() + b"\0" * 5000 + b'"}\n')
    with Journal.open(run_dir, redact=redact) as journal:
        journal.append(events.Started())
        assert path.read_bytes().count(b"\0") == 0
    assert history(run_dir) == ["planned", "approved", "started"]


def test_a_damaged_line_in_the_middle_stops_everything(tmp_path: Path) -> None:
    """Nobody goes on from a record with a hole in it."""
    run_dir = approved(tmp_path, toy_plan())
    path = run_dir / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b"planned", b"plannex", 1))
    with pytest.raises(DamagedInput, match=r"journal.jsonl line 1 is damaged"):
        Journal.open(run_dir, redact=redact)


def test_no_secret_reaches_the_record(tmp_path: Path) -> None:
    """Notes, errors, names and reasons are cleaned, however deep; names of fields are kept."""
    run_dir = approved(tmp_path, toy_plan())
    note: Note = {"password": "hunter2", "lines": ["x hunter2 x", {"deep": "hunter2"}], "size": 7}
    with Journal.open(run_dir, redact=redact) as journal:
        journal.append(events.StepDone(step=0, note=note))
        journal.append(events.StepFailed(step=1, error="got hunter2"))
        journal.append(events.StepUndone(step=0, note=note))
        journal.append(events.StepUndoFailed(step=1, error="got hunter2"))
        journal.append(events.Interrupted(reason="hunter2"))
        journal.append(events.Finished(outcome="hunter2"))
    text = (run_dir / "journal.jsonl").read_text()
    assert "hunter2" not in text
    assert text.count("***") == 10
    assert text.count('"password"') == 2


def test_a_secret_that_looks_like_our_words_breaks_nothing(tmp_path: Path) -> None:
    """Only free text is cleaned, so a password "step" cannot spoil the record."""
    run_dir = approved(tmp_path, toy_plan())
    with Journal.open(run_dir, redact=lambda text: text.replace("step", "*")) as journal:
        journal.append(events.StepDone(step=0, note={"step": "a step"}))
    event = read_run_files(run_dir).records[-1].event
    assert event == events.StepDone(step=0, note={"step": "a *"})


def test_an_approval_is_given_once_and_to_this_plan(tmp_path: Path) -> None:
    """A second approval is refused, and so is a plan.json that was changed after the first."""
    run_dir = approved(tmp_path, toy_plan())
    with (
        Journal.open(run_dir, redact=redact) as journal,
        pytest.raises(Refused, match="it is approved"),
    ):
        journal.approve(by="another")
    path = run_dir / "plan.json"
    path.write_bytes(path.read_bytes().replace(b"restored", b"replaced"))
    with pytest.raises(DamagedInput, match="is not the plan that was planned"):
        Journal.open(run_dir, redact=redact)


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Let the kernel refuse to make any file of this process larger than `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_at_each_byte_where_the_disk_ends_the_run_stops_and_can_go_on(
    tmp_path: Path,
) -> None:
    """A line that does not fit stops the run before its next action; both ways stay open.

    The limit is the kernel's own (RLIMIT_FSIZE), so the line is really cut in the middle.
    """
    begun = len((approved(tmp_path / "size", toy_plan()) / "journal.jsonl").read_bytes())
    for more in range(0, 1200, 37):
        world = new_world(tmp_path / f"world{more}")
        run_dir = approved(tmp_path / f"runs{more}", toy_plan(group=False))
        with Journal.open(run_dir, redact=redact) as journal:
            with file_size_limit(begun + more), pytest.raises(RequorumError) as caught:
                await run(journal, world)
            assert "file too large" in caught.value.message
            assert_only_recorded_actions(world, journal)
            with pytest.raises(RequorumError, match="takes no more"):
                journal.append(events.Started())
        with Journal.open(run_dir, redact=redact) as journal:
            if more % 2 and journal.state().can_rollback:
                plan = journal.load_plan(STEPS)
                await rollback(plan, journal, world, SilentObserver())
                assert world.contents() == START
            else:
                await run(journal, world)
                assert world.contents() == GOAL


async def run(journal: Journal, world: ToyWorld) -> None:
    """Execute the recorded plan."""
    plan = journal.load_plan(STEPS)
    await execute(plan, journal, world, SilentObserver(), confirm=facts_of)


def assert_only_recorded_actions(world: ToyWorld, journal: Journal) -> None:
    """Check that no step acted whose beginning is not on the disk."""
    on_disk = read_run_files(journal.path.parent).records
    begun = sum(record.event.type == "step-begun" for record in on_disk)
    assert len(world.acted) <= begun


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 16 KiB; only root can make one."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() != 0 or not mount or not umount:
        pytest.skip("only root can mount a tiny tmpfs; the RLIMIT_FSIZE test covers the rest")
    place = tmp_path / "tiny"
    place.mkdir()
    command = [mount, "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True, timeout=10).returncode != 0:
        pytest.skip("this machine lets not even root mount; RLIMIT_FSIZE covers the rest")
    yield place
    subprocess.run([umount, str(place)], check=True, timeout=10)


async def test_a_full_disk(tiny_disk: Path, tmp_path: Path) -> None:
    """With no space left the run stops before its next action, and goes on once there is some."""
    world = new_world(tmp_path / "world")
    with Journal.create(tiny_disk, toy_plan(), redact=redact) as journal:
        journal.approve(by="somebody whose name nearly fills a page " * 70)
        journal_size = journal.path.stat().st_size
    assert 3000 < journal_size < 4000
    ballast = fill(tiny_disk)
    run_dir = tiny_disk / toy_plan().run_id
    with (
        Journal.open(run_dir, redact=redact) as journal,
        pytest.raises(RequorumError, match="no space left on device") as caught,
    ):
        await run(journal, world)
    assert "make room" in str(caught.value.hint)
    assert len(world.acted) < 6
    ballast.unlink()
    with Journal.open(run_dir, redact=redact) as journal:
        await run(journal, world)
    assert world.contents() == GOAL


def fill(disk: Path) -> Path:
    """Leave no free page on the disk."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        assert file.write(b"x" * 2**20) < 2**20
        with pytest.raises(OSError, match="No space left"):
            file.write(b"x")
    return ballast


async def test_a_plan_that_does_not_fit_is_never_half_there(tiny_disk: Path) -> None:
    """A run that cannot be written is no run: the error says so, and nothing can be approved."""
    (tiny_disk / "ballast").write_bytes(b"x" * 4096 * 3)
    with pytest.raises(RequorumError, match="no space left on device"):
        Journal.create(tiny_disk, toy_plan(), redact=redact)
    with pytest.raises(DamagedInput, match="is missing"):
        Journal.open(tiny_disk / toy_plan().run_id, redact=redact)


async def test_a_failed_fsync_counts_as_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line whose fsync failed is taken out again, for nothing was done on its strength."""
    world = new_world(tmp_path / "world")
    run_dir = approved(tmp_path / "runs", toy_plan(group=False))
    with Journal.open(run_dir, redact=redact) as journal:
        monkeypatch.setattr(os, "fsync", failing_at(4))
        with pytest.raises(RequorumError, match="input/output error"):
            await run(journal, world)
        monkeypatch.undo()
    assert history(run_dir) == ["planned", "approved", "started", "step-begun", "step-done"]
    assert len(world.acted) == 1


def failing_at(count: int) -> Callable[[int], None]:
    """Return an fsync that fails from its `count`th call on."""
    calls = iter(range(1, 1000))

    def fsync(_: int) -> None:
        if next(calls) >= count:
            raise OSError(5, "Input/output error")

    return fsync


def test_words_that_are_no_text_are_still_recorded(tmp_path: Path) -> None:
    """A file name that is not UTF-8 cannot stop the record."""
    run_dir = approved(tmp_path, toy_plan())
    with Journal.open(run_dir, redact=redact) as journal:
        words = journal.clean("no such file: \udcff")
        journal.append(events.StepFailed(step=0, error=words))
    event = read_run_files(run_dir).records[-1].event
    assert event == events.StepFailed(step=0, error="no such file: \\udcff")
