"""The lines of journal.jsonl: bytes ↔ records. Pure.

A line is one JSON object that ends in ``"crc":"xxxxxxxx"}`` and a newline; the CRC-32 covers
the bytes of the line up to the comma before it. `n` counts the lines from 0, so a line that is
lost or doubled is seen as well. A line counts once its newline is there: nothing was done on
the strength of one that lacks it, since the writer waits for fsync before it acts.
"""

import re
import zlib

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from requorum.errors import DamagedInput
from requorum.workflow.events import Event

_CRC = re.compile(rb',"crc":"([0-9a-f]{8})"\}\Z')


class Record(BaseModel):
    """An event with its place in the journal, when it was written, and by which process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int
    at: AwareDatetime
    pid: int
    event: Event


def encode_record(record: Record) -> bytes:
    """Return the record's line, with its newline."""
    body = record.model_dump_json().encode().removesuffix(b"}")
    return b'%s,"crc":"%08x"}\n' % (body, zlib.crc32(body))


def decode_records(data: bytes, name: str) -> tuple[tuple[Record, ...], int]:
    """Return the records and how many bytes of `data` they fill; a torn last line is not counted.

    DamagedInput, naming `name` and the line, when any other line is not as it was written.
    """
    *lines, rest = data.split(b"\n")
    if _is_torn(lines, rest):
        lines.pop()
    records = tuple(_decode_line(line, n, name) for n, line in enumerate(lines))
    return records, sum(len(line) + 1 for line in lines)


def _is_torn(lines: list[bytes], rest: bytes) -> bool:
    """Say whether the last line has its newline but not all of its pages.

    After a power cut a file may have its new size and zeros where data was still on its way.
    """
    return bool(lines) and not rest and b"\0" in lines[-1]


def _decode_line(line: bytes, n: int, name: str) -> Record:
    place = f"{name} line {n + 1}"
    crc = _CRC.search(line)
    if crc is None or zlib.crc32(line[: crc.start()]) != int(crc[1], 16):
        raise DamagedInput(f"{place} is damaged: its checksum does not fit")
    try:
        record = Record.model_validate_json(line[: crc.start()] + b"}")
    except ValidationError as error:
        raise DamagedInput(f"{place} is no record that this requorum knows") from error
    if record.n != n:
        raise DamagedInput(f"{place} is out of order: it says that it is line {record.n + 1}")
    return record
