"""The lines of a journal against torn and damaged bytes."""

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_world import NOW

from requorum.errors import DamagedInput
from requorum.workflow import events
from requorum.workflow.events import Event
from requorum.workflow.journal_lines import Record, decode_records, encode_record

HISTORY: tuple[Event, ...] = (
    events.Planned(plan_digest="d" * 64),
    events.Approved(by='somebody, "\n\r\u2028\x85 é', plan_digest="d" * 64),
    events.Started(),
    events.StepBegun(step=0),
    events.StepDone(step=0, note={"path": "/var/lib/etcd", "sizes": [1, 2.5, None, True]}),
    events.StepFailed(step=1, error="no"),
    events.Interrupted(reason="SIGTERM"),
    events.Resumed(),
    events.RollbackStarted(),
    events.StepUndoBegun(step=0),
    events.StepUndoFailed(step=0, error="no"),
    events.StepUndone(step=0, note={}),
    events.RolledBack(),
    events.Finished(outcome="done"),
)
RECORDS = tuple(Record(n=n, at=NOW, pid=4711, event=event) for n, event in enumerate(HISTORY))
LINES = tuple(encode_record(record) for record in RECORDS)
WHOLE = b"".join(LINES)


def test_every_event_survives_its_line() -> None:
    """Each event is one line, and reads back as it was."""
    assert all(line.count(b"\n") == 1 for line in LINES)
    assert decode_records(WHOLE, "j") == (RECORDS, len(WHOLE))


def test_a_file_that_ends_anywhere_holds_the_lines_before() -> None:
    """At each byte of the journal, what counts are the lines that have their newline."""
    for end in range(len(WHOLE)):
        records, size = decode_records(WHOLE[:end], "j")
        assert size <= end
        assert WHOLE[:size] == b"".join(LINES[: len(records)])
        assert end - size < len(LINES[len(records)])


@settings(deadline=None)
@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_a_changed_byte_is_found(place: int, change: int) -> None:
    """One wrong byte anywhere is never read as another event: it is refused, or a torn end."""
    data = bytearray(WHOLE)
    data[place] ^= change
    try:
        records, size = decode_records(bytes(data), "j")
    except DamagedInput:
        return
    assert records == RECORDS[:-1]
    assert size == len(WHOLE) - len(LINES[-1])


def test_damage_in_the_middle_is_named_by_file_and_line() -> None:
    """An operator finds the place."""
    data = WHOLE.replace(b'"step":0', b'"step":1', 1)
    with pytest.raises(DamagedInput, match=r"^/runs/x/journal.jsonl line 4 is damaged"):
        decode_records(data, "/runs/x/journal.jsonl")


@pytest.mark.parametrize("lines", [LINES[1:], (*LINES[:3], *LINES[2:]), LINES[:2] + LINES[3:]])
def test_a_line_that_is_lost_or_doubled_is_found(lines: tuple[bytes, ...]) -> None:
    """Whole lines with true checksums are still checked for their order."""
    with pytest.raises(DamagedInput, match="out of order"):
        decode_records(b"".join(lines), "j")


def test_zeros_at_the_end_are_a_torn_line() -> None:
    """After a power cut the file may have its size but not its data."""
    data = WHOLE + b"\0" * 100
    assert decode_records(data, "j") == (RECORDS, len(WHOLE))
    assert decode_records(data + b'"}\n', "j") == (RECORDS, len(WHOLE))


def test_an_event_of_a_later_release_is_not_guessed_at() -> None:
    """A line that is whole but unknown is refused: it might forbid what we would do."""
    body = LINES[0].rpartition(b',"crc"')[0].replace(b'"planned"', b'"planted"')
    line = b'%s,"crc":"%08x"}\n' % (body, zlib.crc32(body))
    with pytest.raises(DamagedInput, match="line 1 is no record that this requorum knows"):
        decode_records(line, "j")


@settings(deadline=None)
@given(st.lists(st.binary()).map(b"\n".join))
def test_hostile_bytes_are_damaged_input(data: bytes) -> None:
    """Bytes that are no journal are refused, or are a torn first line."""
    try:
        assert decode_records(data, "j") == ((), 0)
    except DamagedInput:
        assert b"\n" in data
