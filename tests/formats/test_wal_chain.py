"""What the checksum chain decides, frame by frame; see test_wal.py for whole segments."""

from wal_data import contents_of, data_start, make_segment

from requorum.formats.wal_chain import Chain, WalDamageKind
from requorum.formats.wal_records import Frame, parse_frame

ENTRIES = [b"one", b"two", b"three"]


def frames_of(view: memoryview) -> list[Frame]:
    """Return the frames in the order of the file."""
    frames, offset = [], 0
    while (found := parse_frame(view, offset)) is not None:
        frames.append(found)
        offset = found.end
    return frames


def test_nothing_is_decided_without_a_neighbour() -> None:
    """The first frame waits for the second, which proves its checksum."""
    view = memoryview(make_segment(ENTRIES).data)
    head, metadata, *_ = frames_of(view)
    chain = Chain(view)
    chain.add(head)
    assert (len(chain.records), chain.running) == (0, None)
    assert chain.continues_with(metadata)
    chain.add(metadata)
    assert [record.verified for record in chain.records] == [True, True]
    assert chain.running == metadata.crc


def test_only_a_crc_record_is_proven_by_its_checksum() -> None:
    """In the middle of a log the first record's data stays unproven."""
    view = memoryview(make_segment(ENTRIES).data)
    chain = Chain(view)
    for found in frames_of(view)[2:]:
        chain.add(found)
    assert [record.verified for record in chain.records] == [False, True, True]


def test_a_suspect_alone_is_lost() -> None:
    """Without a record behind it, nothing saves one that does not match."""
    made = make_segment(ENTRIES)
    made.data[data_start(made, 4)] ^= 1
    view = memoryview(made.data)
    chain = Chain(view)
    for found in frames_of(view):
        chain.add(found)
    assert chain.suspect is not None
    assert chain.damages == []
    chain.interrupt()
    assert [damage.kind for damage in chain.damages] == [WalDamageKind.DATA]
    assert contents_of(chain.records) == made.contents[:-1]
    assert not chain.continues_with(frames_of(view)[0])


def test_a_torn_suspect_is_forgotten() -> None:
    """A torn record is neither a record nor damage."""
    made = make_segment(ENTRIES)
    made.data[data_start(made, 4)] ^= 1
    view = memoryview(made.data)
    chain = Chain(view)
    for found in frames_of(view):
        chain.add(found)
    chain.forget_suspect()
    assert chain.damages == []
    assert contents_of(chain.records) == made.contents[:-1]
