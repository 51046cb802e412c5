"""What a file is worth."""

import hashlib

import bbolt_builder
import pytest
from bbolt_builder import PAGE_SIZE
from hypothesis import given, settings
from hypothesis import strategies as st

from requorum.formats.mvcc import KeyValue, Revision
from requorum.formats.source import BufferSource
from requorum.inspection.file_verdict import FileVerdict, Verdict, judge_file

RECORDS = [
    (Revision(main).encode(), KeyValue(b"key", 2, main, main - 1, b"value").encode())
    for main in range(2, 40)
]
META = [(b"consistent_index", (9).to_bytes(8, "big"))]
BARE = bbolt_builder.build({b"key": RECORDS, b"meta": META}).data


def sealed(database: bytes) -> bytes:
    """Return what `snapshot save` makes of a database."""
    return database + hashlib.sha256(database).digest()


def with_byte(data: bytes, offset: int) -> bytes:
    """Return data with one byte changed."""
    changed = bytearray(data)
    changed[offset] ^= 0x10
    return bytes(changed)


def judged(data: bytes) -> FileVerdict:
    """Return the verdict on some bytes."""
    return judge_file(BufferSource(data))


VALUE = BARE.rindex(b"value")
LEAF = BARE.index(RECORDS[20][0]) // PAGE_SIZE * PAGE_SIZE
SNAPSHOT = sealed(BARE)


@pytest.mark.parametrize(
    ("data", "verdict", "reasons"),
    [
        (SNAPSHOT, Verdict.RESTORABLE, ["every page is sound", "its SHA-256 matches"]),
        (BARE, Verdict.WITHOUT_HASH, ["every page is sound", "it has no SHA-256"]),
        (SNAPSHOT[:-1], Verdict.WITHOUT_HASH, ["", "31 bytes of its SHA-256 are left"]),
        (SNAPSHOT + b"x", Verdict.WITHOUT_HASH, ["", f"its first {len(SNAPSHOT)} bytes"]),
        (SNAPSHOT + bytes(512), Verdict.WITHOUT_HASH, ["", "512 more were appended"]),
        (with_byte(SNAPSHOT, VALUE), Verdict.SALVAGEABLE, ["", "SHA-256 does not match"]),
        (with_byte(SNAPSHOT, -1), Verdict.SALVAGEABLE, ["", "SHA-256 does not match"]),
        (
            sealed(with_byte(BARE, LEAF)),
            Verdict.SALVAGEABLE,
            ["1 place is damaged, the first: page", "its SHA-256 matches"],
        ),
        (
            BARE[: -2 * PAGE_SIZE],
            Verdict.SALVAGEABLE,
            [
                f"ends at byte {len(BARE) - 2 * PAGE_SIZE}; its meta page says {len(BARE)} bytes",
                "besides, ",
            ],
        ),
        (
            sealed(with_byte(BARE, 40)),
            Verdict.RESTORABLE,
            ["", "", "one meta page is damaged, etcd uses the other one, the same: page 0"],
        ),
        (
            with_byte(BARE, 40),
            Verdict.WITHOUT_HASH,
            ["", "", "etcd uses the other one, perhaps the transaction before"],
        ),
        (
            with_byte(with_byte(BARE, 40), PAGE_SIZE + 40),
            Verdict.SALVAGEABLE,
            ["neither meta page is valid", "it has no SHA-256"],
        ),
        (
            bytes(4 * PAGE_SIZE),
            Verdict.NOT_USABLE,
            ["neither meta page is valid", "no page with records is left", "it has no SHA-256"],
        ),
        (b"", Verdict.NOT_USABLE, ["neither meta page", "no page with records", "no SHA-256"]),
        (
            sealed(bbolt_builder.build({b"other": [(b"k", b"v")]}).data),
            Verdict.NOT_USABLE,
            ["holds no etcd buckets", "its SHA-256 matches"],
        ),
        (
            sealed(bbolt_builder.build({b"key": [], b"meta": META}).data),
            Verdict.RESTORABLE,
            ["every page is sound", "its SHA-256 matches"],
        ),
    ],
)
def test_verdicts(data: bytes, verdict: Verdict, reasons: list[str]) -> None:
    """Each verdict comes with all of its reasons."""
    found = judged(data)
    assert found.verdict is verdict, found.reasons
    assert len(found.reasons) == len(reasons), found.reasons
    for text, expected in zip(found.reasons, reasons, strict=True):
        assert expected in text


def test_records() -> None:
    """A record that does not decode is damage; one that contradicts itself is named."""
    broken = [*RECORDS, (Revision(90).encode(), b"\x07")]
    found = judged(sealed(bbolt_builder.build({b"key": broken, b"meta": META}).data))
    assert found.verdict is Verdict.SALVAGEABLE
    assert "1 records cannot be read; etcd ends at such a record" in found.reasons
    odd = [*RECORDS, (Revision(90).encode(), KeyValue(b"k", 2, 91, 1).encode())]
    found = judged(sealed(bbolt_builder.build({b"key": odd, b"meta": META}).data))
    assert found.verdict is Verdict.RESTORABLE
    assert "1 records contradict themselves" in found.reasons[-1]
    assert "the record says revision 91" in found.reasons[-1]


def test_nothing_but_the_root_is_lost() -> None:
    """Where no tree leads to them, there still are pages with records."""
    found = judged(BARE[: 2 * PAGE_SIZE] + bytes(PAGE_SIZE) + BARE[3 * PAGE_SIZE :])
    assert (found.verdict, found.revision, found.index) == (Verdict.SALVAGEABLE, 0, 0)


@given(
    st.lists(st.tuples(st.integers(0, len(SNAPSHOT) - 1), st.integers(1, 255)), max_size=9),
    st.integers(0, len(SNAPSHOT)),
)
@settings(max_examples=100)
def test_any_damage(flips: list[tuple[int, int]], size: int) -> None:
    """Any flips and any cut give a verdict with a reason, and only an unchanged file is whole."""
    data = bytearray(SNAPSHOT)
    for offset, mask in flips:
        data[offset] ^= mask
    found = judged(bytes(data[:size]))
    assert found.reasons
    assert (found.verdict is Verdict.RESTORABLE) == (bytes(data[:size]) == SNAPSHOT)
