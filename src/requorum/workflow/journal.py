"""The record of a run on disk: written before and after every action, never rewritten.

A run directory holds plan.json, journal.jsonl and lock. `append` returns when the line is on the
disk, so whatever follows it in the program follows it in the record. Blocking the event loop for
that fsync is intended: nothing of ours may happen between an action and its record.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from requorum.errors import DamagedInput, Refused, RequorumError
from requorum.workflow import durable_file, events
from requorum.workflow.events import Event
from requorum.workflow.journal_lines import Record, encode_record
from requorum.workflow.plan import Plan, StepDecoder, digest_of
from requorum.workflow.run_files import JOURNAL_FILE, PLAN_FILE, RunFiles, read_run_files
from requorum.workflow.run_lock import RunLock
from requorum.workflow.run_state import RunState, run_state
from requorum.workflow.step import World

Redact = Callable[[str], str]
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


class Journal:
    """The one writer of a run, as long as it is open.

    `redact` takes the secrets out of every word that steps and errors give us. Use `create` or
    `open`, in a `with` block: leaving it gives the run back.
    """

    def __init__(
        self, files: RunFiles, *, lock: RunLock, redact: Redact, clock: Clock = utc_now
    ) -> None:
        self._files = files
        self._records = list(files.records)
        self._size = files.journal_size
        self._lock = lock
        self._redact = redact
        self._clock = clock
        self._failed = False
        with durable_file.explained(f"cannot write {self.path}"):
            self._fd = os.open(self.path, os.O_WRONLY)

    @classmethod
    def create(
        cls, runs_dir: Path, plan: Plan[World], *, redact: Redact, clock: Clock = utc_now
    ) -> Self:
        """Write the plan into a run directory of its own. RequorumError when that fails."""
        run_dir = runs_dir / plan.run_id
        durable_file.make_dir(run_dir)
        encoded = plan.encode()
        planned = events.Planned(plan_digest=digest_of(encoded))
        record = Record(n=0, at=clock(), pid=os.getpid(), event=planned)
        durable_file.write_new(run_dir / PLAN_FILE, encoded)
        durable_file.write_new(run_dir / JOURNAL_FILE, encode_record(record))
        return cls.open(run_dir, redact=redact, clock=clock)

    @classmethod
    def open(cls, run_dir: Path, *, redact: Redact, clock: Clock = utc_now) -> Self:
        """Take over a run, to go on with it or back.

        Raises Locked while another process has it, DamagedInput where its files are damaged.
        """
        if not run_dir.is_dir():
            raise DamagedInput(f"{run_dir} is no run directory")
        lock = RunLock(run_dir)
        try:
            return cls(read_run_files(run_dir), lock=lock, redact=redact, clock=clock)
        except BaseException:
            lock.release()
            raise

    @property
    def run_id(self) -> str:
        """Return the run's id."""
        return self._files.outline.run_id

    @property
    def path(self) -> Path:
        """Return the journal's file."""
        return self._files.run_dir / JOURNAL_FILE

    @property
    def records(self) -> tuple[Record, ...]:
        """Return what was recorded so far."""
        return tuple(self._records)

    def state(self) -> RunState:
        """Return where the run stands. We hold it ourselves, so nobody is in the way."""
        history = (record.event for record in self._records)
        return run_state(self._files.outline, history, held_by=None)

    def load_plan(self, steps: StepDecoder[World]) -> Plan[World]:
        """Return the plan as it was recorded."""
        return self._files.load_plan(steps)

    def approve(self, *, by: str) -> None:
        """Record the approval of exactly this plan. Refused once the run has moved on."""
        status = self.state().status
        if status != "planned":
            raise Refused(
                f"run {self.run_id} cannot be approved: it is {status}",
                hint=f"See `requorum runs show {self.run_id}`.",
            )
        digest = digest_of(self._files.encoded_plan)
        self.append(events.Approved(by=by, plan_digest=digest))

    def refuse_other(self, plan: Plan[World]) -> None:
        """Raise Refused unless `plan` is, byte for byte, the one that was recorded."""
        if plan.encode() != self._files.encoded_plan:
            raise Refused(
                f"this is not the plan that run {self.run_id} was approved for",
                hint="Plan anew: only what was approved may run.",
            )

    def clean(self, text: str) -> str:
        """Return the text without its secrets, and such that it can be written as UTF-8."""
        return self._redact(text).encode("utf-8", "backslashreplace").decode()

    def append(self, event: Event) -> None:
        """Record an event; it is on the disk when this returns.

        RequorumError when it cannot be written. The event then did not happen, as far as the
        record goes, and the journal takes no more: a disk that lost one line is not to be
        trusted with the next.
        """
        record = self._record_of(event.cleaned(self.clean))
        with self._failing_for_good():
            self._write(encode_record(record))
        self._records.append(record)

    def close(self) -> None:
        """Give the run back."""
        os.close(self._fd)
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _record_of(self, event: Event) -> Record:
        return Record(n=len(self._records), at=self._clock(), pid=os.getpid(), event=event)

    def _write(self, line: bytes) -> None:
        if os.fstat(self._fd).st_size > self._size:
            self._cut_off_tail()
        os.lseek(self._fd, self._size, os.SEEK_SET)
        durable_file.write_all(self._fd, line)
        os.fsync(self._fd)
        self._size += len(line)

    def _cut_off_tail(self) -> None:
        """Remove what a kill or a full disk left of a line that never counted."""
        os.ftruncate(self._fd, self._size)
        os.fsync(self._fd)

    @contextmanager
    def _failing_for_good(self) -> Iterator[None]:
        hint = (
            "Nothing further is done. Mend the disk or make room on it, then "
            f"`requorum runs resume {self.run_id}` or `requorum runs rollback {self.run_id}`."
        )
        if self._failed:
            raise RequorumError(f"{self.path} failed before and takes no more", hint=hint)
        try:
            with durable_file.explained(f"cannot write {self.path}", hint=hint):
                yield
        except RequorumError:
            self._failed = True
            with suppress(OSError):  # the error on its way up says it; opening looks again
                os.ftruncate(self._fd, self._size)
            raise
