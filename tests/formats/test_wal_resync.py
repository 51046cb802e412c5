"""Finding records behind garbage."""

import random

from wal_data import make_segment

from requorum.formats.wal_records import RecordType, frame
from requorum.formats.wal_resync import Resynchroniser


def test_finds_the_first_pair_that_chains() -> None:
    """The search passes over garbage, and begins anew from anywhere."""
    made = make_segment([b"one", b"two", b"three"])
    garbage = random.Random(1).randbytes(800)
    resync = Resynchroniser(memoryview(garbage + made.data))
    assert resync.find(8) == 800
    assert resync.find(801) == 800 + made.offsets[1]
    assert resync.find(800 + made.offsets[-1]) is None
    assert not resync.gave_up


def test_pair_that_does_not_chain() -> None:
    """Two frames that do not belong together are passed over."""
    first, crc = frame(RecordType.ENTRY, b"first", 1)
    stranger, other_crc = frame(RecordType.ENTRY, b"stranger", crc + 1)
    last, _ = frame(RecordType.ENTRY, b"last", other_crc)
    resync = Resynchroniser(memoryview(first + stranger + last))
    assert resync.find(0) == len(first)


def test_only_multiples_of_eight() -> None:
    """Frames lie at multiples of eight; the same bytes elsewhere are data."""
    made = make_segment([b"one", b"two"])
    assert Resynchroniser(memoryview(bytes(4) + made.data)).find(0) is None


def test_single_frame_before_the_end() -> None:
    """The last frame of all has no second one; its form is enough."""
    last, _ = frame(RecordType.ENTRY, b"last", 5)
    for tail in (b"", bytes(64)):
        assert Resynchroniser(memoryview(b"\xff" * 16 + last + tail)).find(0) == 16


def test_unknown_type_is_no_landmark() -> None:
    """Types that no etcd writes are not believed in the middle of garbage."""
    last, _ = frame(9, b"last", 5)
    assert Resynchroniser(memoryview(last)).find(0) is None


def test_gives_up() -> None:
    """Places that only look like records are tried a bounded number of times."""
    unit = frame(RecordType.ENTRY, b"x", 5)[0][:-8] + frame(RecordType.ENTRY, b"x", 7)[0]
    assert len(unit) % 8 == 0
    resync = Resynchroniser(memoryview(unit * 300_000))
    assert resync.find(0) is None
    assert resync.gave_up
    assert resync.find(0) is None
