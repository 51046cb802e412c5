"""What a database file does to etcd: made byte by byte, and by the words of its damages."""

import bbolt_builder
import pytest
from mvcc_builder import Event

from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.damage import Damage
from requorum.formats.source import BufferSource
from requorum.inspection.boot.database_facts import (
    DatabaseFacts,
    Harm,
    examine,
    harm_of,
    look_at,
)

EVENTS = [Event(main, 0, b"k%d" % main, b"value") for main in range(2, 40)]


def built() -> bytearray:
    """Return a small etcd database."""
    meta = {b"consistent_index": (9).to_bytes(8, "big")}
    buckets = {b"key": [event.record for event in EVENTS], b"meta": meta.items()}
    return bytearray(bbolt_builder.build(buckets).data)


def found(data: bytes | bytearray) -> DatabaseFacts:
    """Return what is found in it."""
    return examine(BufferSource(bytes(data)))


def element_of(data: bytearray, event: Event) -> int:
    """Return the offset of the element of a record."""
    bucket = Database(BufferSource(bytes(data))).bucket(b"key")
    assert bucket is not None
    place = bucket.find(event.record[0])
    assert place is not None
    page = place[0]
    return page.start + 16 + 16 * page.index_of(event.record[0])


def test_a_sound_database() -> None:
    """Nothing is wrong, and it says where it stands."""
    facts = found(built())
    assert facts.sound
    assert (facts.index, facts.open_error, facts.verdict is not None) == (9, None, True)


def test_an_empty_file_is_a_new_database() -> None:
    """To bbolt; it stands at nothing."""
    facts = found(b"")
    assert (facts.open_error, facts.index, facts.verdict) == (None, 0, None)


@pytest.mark.parametrize(
    ("place", "word"), [(16, "invalid database"), (20, "version mismatch"), (72, "checksum error")]
)
def test_both_metas_damaged(place: int, word: str) -> None:
    """The words are bbolt's."""
    data = built()
    for page in (0, 1):
        data[page * 4096 + place] ^= 0x55
    assert found(data).open_error == word
    assert look_at(BufferSource(bytes(data))).open_error == word


def test_a_file_of_less_than_two_pages() -> None:
    """Bbolt does not even look at it."""
    assert found(built()[:5000]).open_error == "file size too small"


def test_one_meta_damaged() -> None:
    """It opens."""
    data = built()
    data[4096 + 72] ^= 1
    facts = found(data)
    assert facts.open_error is None
    assert facts.metas is not None
    assert len(facts.metas.damages) == 1


def test_a_file_cut_between_two_pages() -> None:
    """Pages are missing, and nothing else is wrong; a file that is longer is sound."""
    data = built()
    size = len(data) // 2 // 4096 * 4096
    facts = found(data[:size])
    assert facts.cut == f"the file ends at byte {size}; its meta page says {len(data)} bytes"
    assert {harm_of(damage) for damage in facts.damages} == {Harm.CUT}
    assert (facts.sound, facts.ends_within_a_page, facts.torn) == (False, False, None)
    longer = found(data + bytes(4096))
    assert (longer.sound, longer.cut) == (True, None)


def test_what_a_cut_took_of_a_page_reads_as_zeros() -> None:
    """As bbolt sees it: no harm where nothing was, else the page is damaged."""
    data = built()
    last = len(data) // 4096 - 1
    used = len(data.rstrip(b"\0"))
    harmless = found(data[:used])
    assert (harmless.damages, harmless.sound, harmless.index) == ((), False, 9)
    assert harmless.ends_within_a_page
    torn = found(data[: last * 4096 + 20])
    assert torn.torn is not None
    assert torn.torn.page == last
    assert torn.damage_that(Harm.CUT) is None


def test_a_file_cut_within_its_last_page_but_one() -> None:
    """The page behind it is missing, besides."""
    data = built()
    facts = found(data[: len(data) - 2 * 4096 + 40])
    assert facts.torn is not None
    assert facts.damage_that(Harm.CUT) is not None
    assert facts.verdict is not None
    assert facts.verdict.reasons[0] == facts.cut


def test_a_value_that_is_no_message() -> None:
    """The pages are sound: etcd dies of it later."""
    data = built()
    place = data.index(b"k7") - 2
    data[place] ^= 0x05
    facts = found(data)
    assert facts.damage_that(Harm.DIES, Harm.ORDER) is None
    assert facts.damage_that(Harm.RECORD) is not None


def test_a_value_that_leaves_its_page() -> None:
    """Bbolt compares keys alone."""
    data = built()
    data[element_of(data, EVENTS[5]) + 14] ^= 0x01
    facts = found(data)
    assert facts.damage_that(Harm.DIES) is None
    damage = facts.damage_that(Harm.RECORD)
    assert damage is not None
    assert damage.what == "a value reaches beyond its page"


def test_a_key_of_another_size() -> None:
    """Its value begins elsewhere then, so that it does not decode."""
    data = built()
    data[element_of(data, EVENTS[5]) + 8] ^= 0x02
    damages = [d.what for d in found(data).damages]
    assert "the record has a key of 19 bytes" in damages


def test_a_file_cut_within_an_overflow_page() -> None:
    """It is the page two before that goes on with zeros, in the place of its last records."""
    events = [Event(main, 0, b"k", b"v" * 300) for main in range(2, 28)]
    buckets = {b"key": [event.record for event in events], b"meta": []}
    data = bytes(bbolt_builder.build(buckets, per_leaf=26).data)
    facts = found(data[: len(data) - 4096 + 20])
    assert facts.torn is not None
    assert facts.torn.page == len(data) // 4096 - 3
    assert facts.damage_that(Harm.CUT) is None


@pytest.mark.parametrize(
    ("what", "harm"),
    [
        ("page says that it is page 9", Harm.DIES),
        ("neither a branch nor a leaf (flags 3)", Harm.DIES),
        ("refers to page 99", Harm.DIES),
        ("refers to page 99, behind the end of the file", Harm.CUT),
        ("its 3 overflow pages lie in part behind the end of the file", Harm.CUT),
        ("page 9 is referenced twice", Harm.DIES),
        ("not a freelist page", Harm.DIES),
        ("key is less than its parent's", Harm.ORDER),
        ("the record is not a key-value message", Harm.RECORD),
        ("bucket key: the row b'x': a record's key has 17 bytes", Harm.UNSEEN),
        ("bucket lease: the row b'x': it is no message", Harm.ROW),
        ("the key of a record is not a revision", Harm.UNSEEN),
        ("element has flags 4", Harm.UNSEEN),
        ("page 9 is neither in use nor free", Harm.UNSEEN),
    ],
)
def test_what_a_damage_does(what: str, harm: Harm) -> None:
    """By its words, which are those of the full check."""
    assert harm_of(Damage(9, 36864, what)) is harm


def test_a_look_reads_no_leaf_of_the_keys() -> None:
    """It tells where the database stands, and no damage of its pages."""
    data = built()
    data[data.index(b"k7") - 2] ^= 0x05
    facts = look_at(BufferSource(bytes(data)))
    assert facts.sound
    assert (facts.index, facts.verdict) == (9, None)
