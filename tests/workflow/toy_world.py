"""A world of files in one directory, the steps that change it, and ways to die in between."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Annotated, Literal

from pydantic import Field, JsonValue, TypeAdapter

from requorum.workflow.events import Note
from requorum.workflow.journal import Journal
from requorum.workflow.plan import Plan, fingerprint_of, new_run_id
from requorum.workflow.step import Step, StepOutline

NOW = datetime(2026, 11, 21, 3, 14, 15, tzinfo=UTC)


class Killed(BaseException):
    """Stands for kill -9: nothing but `finally` blocks runs after it."""


class Mortal:
    """Counts moments, and dies at one of them."""

    def __init__(self, dies_at: int | None = None) -> None:
        self.moments = 0
        self._dies_at = dies_at

    def moment(self) -> None:
        """Let a moment pass; die when it was the one."""
        self.moments += 1
        if self.dead:
            raise Killed

    @property
    def dead(self) -> bool:
        """Return whether the end was reached."""
        return self._dies_at is not None and self.moments >= self._dies_at


@dataclass
class ToyWorld:
    """The files below `root`; each change passes the moments before, amid and after it."""

    root: Path
    mortal: Mortal = field(default_factory=Mortal)
    broken: set[str] = field(default_factory=set)
    acted: list[str] = field(default_factory=list)

    async def rename(self, source: str, target: str) -> None:
        """Rename a file."""
        await self._act(f"rename {source}")
        (self.root / source).rename(self.root / target)
        self.mortal.moment()

    async def write(self, name: str, text: str) -> None:
        """Write a file, such that it is seen half written."""
        await self._act(f"write {name}")
        path = self.root / name
        path.write_text(text[: len(text) // 2])
        self.mortal.moment()
        await asyncio.sleep(0)
        path.write_text(text)
        self.mortal.moment()

    async def remove(self, name: str) -> None:
        """Remove a file."""
        await self._act(f"remove {name}")
        (self.root / name).unlink()
        self.mortal.moment()

    def exists(self, name: str) -> bool:
        """Return whether the file is there."""
        return (self.root / name).exists()

    def contents(self) -> dict[str, str]:
        """Return every file with its text."""
        return {path.name: path.read_text() for path in sorted(self.root.iterdir())}

    async def _act(self, what: str) -> None:
        self.mortal.moment()
        await asyncio.sleep(0)  # the neighbours in a group come in between
        self.mortal.moment()
        if what in self.broken:
            raise OSError(5, f"cannot {what}: password=hunter2")
        self.acted.append(what)


class SetAside(Step[ToyWorld]):
    """Renames a file, as requorum does with data directories."""

    kind: Literal["set-aside"] = "set-aside"
    name: str

    async def apply(self, world: ToyWorld) -> Mapping[str, JsonValue]:
        """Rename it, unless it was."""
        if not world.exists(self.aside):
            await world.rename(self.name, self.aside)
        return {"aside": self.aside}

    async def undo(self, world: ToyWorld) -> Mapping[str, JsonValue]:
        """Rename it back, if it was."""
        if world.exists(self.aside):
            await world.rename(self.aside, self.name)
        return {}

    @property
    def aside(self) -> str:
        """Return the name that it gets."""
        return f"{self.name}.before"


class WriteFile(Step[ToyWorld]):
    """Writes a file that is not there yet."""

    kind: Literal["write-file"] = "write-file"
    name: str
    text: str

    async def apply(self, world: ToyWorld) -> Mapping[str, JsonValue]:
        """Write all of it, whatever half is there."""
        await world.write(self.name, self.text)
        return {"size": len(self.text), "said": ["password=hunter2"]}

    async def undo(self, world: ToyWorld) -> Mapping[str, JsonValue]:
        """Remove it, if it is there."""
        if world.exists(self.name):
            await world.remove(self.name)
        return {}


STEPS: TypeAdapter[SetAside | WriteFile] = TypeAdapter(
    Annotated[SetAside | WriteFile, Field(discriminator="kind")]
)
GOAL = {
    "data": "restored",
    "data.before": "old",
    "left": "l" * 9,
    "middle": "m" * 9,
    "right": "r" * 9,
    "flag": "open",
}
START = {"data": "old"}


def write_file(name: str, *, together: str | None = None) -> WriteFile:
    """Return the step that writes one file of the goal."""
    return WriteFile(
        host="-",
        title=f"write {name}",
        reason="the goal has it",
        name=name,
        text=GOAL[name],
        together=together,
    )


def toy_plan(
    *, run_id: str | None = None, facts: JsonValue = None, group: bool = True
) -> Plan[ToyWorld]:
    """Return the plan from START to GOAL: six steps, of which three run together."""
    together = "files" if group else None
    aside = SetAside(
        host="h1", title="set data aside", reason="it is damaged", risk="none", name="data"
    )
    return Plan[ToyWorld](
        run_id=run_id or new_run_id(NOW, Random(1)),
        runbook="toy",
        created=NOW,
        subject="prod",
        summary=("one file is replaced",),
        fingerprint=fingerprint_of(dict(START) if facts is None else facts),
        context={"root": "somewhere"},
        steps=(
            aside,
            write_file("data"),
            *(write_file(name, together=together) for name in ("left", "middle", "right")),
            write_file("flag"),
        ),
    )


def new_world(root: Path) -> ToyWorld:
    """Return a world at its start."""
    root.mkdir(parents=True)
    for name, text in START.items():
        (root / name).write_text(text)
    return ToyWorld(root)


async def facts_of(world: ToyWorld) -> str:
    """Return the fingerprint of all that there is."""
    return fingerprint_of(dict(world.contents()))


def redact(text: str) -> str:
    """Hide the one secret of this world."""
    return text.replace("hunter2", "***")


def approved(runs_dir: Path, plan: Plan[ToyWorld]) -> Path:
    """Record the plan and its approval; return the run's directory."""
    with Journal.create(runs_dir, plan, redact=redact) as journal:
        journal.approve(by="the test")
    return runs_dir / plan.run_id


class MortalJournal(Journal):
    """A journal whose every line passes the moments before, amid and after its writing."""

    mortal: Mortal

    def _write(self, line: bytes) -> None:
        self.mortal.moment()
        self._tear(line)
        super()._write(line)
        self.mortal.moment()

    def _tear(self, line: bytes) -> None:
        try:
            self.mortal.moment()
        except Killed:
            os.pwrite(self._fd, line[: len(line) // 2], self._size)
            raise


@contextmanager
def dying(run_dir: Path, mortal: Mortal) -> Iterator[Journal]:
    """Open the run's journal such that its writes count as moments."""
    with MortalJournal.open(run_dir, redact=redact) as journal:
        journal.mortal = mortal
        yield journal


@dataclass
class Watcher:
    """An observer that remembers."""

    seen: list[str] = field(default_factory=list)

    def progress(self, text: str, done: int, total: int | None) -> None:
        """Remember it."""
        self.seen.append(f"{text} {done}/{total}")

    def step_begun(self, index: int, step: StepOutline) -> None:
        """Remember it."""
        self.seen.append(f"begun {index} {step.kind}")

    def step_done(self, index: int, step: StepOutline, note: Note) -> None:
        """Remember it."""
        self.seen.append(f"done {index} {step.kind} {note}")

    def step_failed(self, index: int, step: StepOutline, error: str) -> None:
        """Remember it."""
        self.seen.append(f"failed {index} {step.kind} {error}")

    def undo_begun(self, index: int, step: StepOutline) -> None:
        """Remember it."""
        self.seen.append(f"undo begun {index} {step.kind}")

    def step_undone(self, index: int, step: StepOutline, note: Note) -> None:
        """Remember it."""
        self.seen.append(f"undone {index} {step.kind} {note}")

    def undo_failed(self, index: int, step: StepOutline, error: str) -> None:
        """Remember it."""
        self.seen.append(f"undo failed {index} {step.kind} {error}")
