"""The writers' own record: what each one asked for, and what etcd acknowledged.

One file per writer, JSON lines: `intent` before the request leaves, then `ack` once etcd said OK,
or `failed`. An intent that nothing follows has an unknown outcome, and so has a failure unless
etcd's error proves that nothing was applied. Lines are written by one system call each and not
fsynced: the record must survive this process, not the machine.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from requorum.errors import DamagedInput, NotEnoughSpace

COMPARE_FAILED = "the transaction's compare failed"
"""A `failed` line's error where the cluster contradicts what its only writer knows."""


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Put(_Line):
    """Put `key` to `value_of(writer, seq)`; `lease` 0: none."""

    op: Literal["put"] = "put"
    key: str
    lease: int = 0


class Delete(_Line):
    """Delete `key`, which the writer knows to be there."""

    op: Literal["delete"] = "delete"
    key: str


class Txn(_Line):
    """In one transaction: put `put`, delete `delete`, if `put` is still at `if_mod_revision`."""

    op: Literal["txn"] = "txn"
    put: str
    delete: str
    if_mod_revision: int


class Grant(_Line):
    """Grant a lease under an id of the writer's choice; `ttl` in seconds."""

    op: Literal["grant"] = "grant"
    lease: int
    ttl: int


class Compact(_Line):
    """Compact up to a revision a bit behind. It changes no key's last state."""

    op: Literal["compact"] = "compact"
    revision: int


Operation = Put | Delete | Txn | Grant | Compact


class Intent(_Line):
    """It will be asked for."""

    line: Literal["intent"] = "intent"
    seq: int
    operation: Annotated[Operation, Field(discriminator="op")]


class Ack(_Line):
    """etcd said OK. `revision`: of the write; for a grant, the last one that the writer knew.

    `deleted` is False when a delete found nothing, which a sound cluster never answers here.
    """

    line: Literal["ack"] = "ack"
    seq: int
    revision: int
    deleted: bool = True


class Failed(_Line):
    """It failed; `applied` says whether it may have been applied all the same."""

    line: Literal["failed"] = "failed"
    seq: int
    applied: Literal["unknown", "no"]
    error: str


Line = Annotated[Intent | Ack | Failed, Field(discriminator="line")]
_LINE: TypeAdapter[Intent | Ack | Failed] = TypeAdapter(Line)


class AckLog:
    """A writer's file, open for appending."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def write(self, line: Intent | Ack | Failed) -> None:
        """Append one line, all of it or NotEnoughSpace."""
        data = line.model_dump_json().encode() + b"\n"
        if os.write(self._fd, data) != len(data):
            raise NotEnoughSpace("the disk of the acks directory is full")


def parse_lines(data: bytes, name: str) -> Iterator[Intent | Ack | Failed]:
    """Read a writer's file. DamagedInput for a line that is none, but for a torn last one."""
    *whole, _torn = data.split(b"\n")
    for number, text in enumerate(whole, start=1):
        try:
            yield _LINE.validate_json(text)
        except ValidationError as error:
            raise DamagedInput(f"{name}, line {number}, is not a writer's line") from error


def read_records(directory: Path) -> dict[str, tuple[Intent | Ack | Failed, ...]]:
    """Read every writer's file in `directory`: writer → its lines."""
    return {
        path.stem: tuple(parse_lines(path.read_bytes(), str(path)))
        for path in sorted(directory.glob("*.jsonl"))
    }


def next_run(directory: Path) -> int:
    """Return a number for a new load, so that its writers' names and keys are its own."""
    runs = [int(path.name[1:].partition("-")[0]) for path in directory.glob("r*-w*.jsonl")]
    return max(runs, default=0) + 1
