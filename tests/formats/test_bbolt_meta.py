"""Meta pages: which is valid, which is current, and where the second one lies."""

import bbolt_builder
import pytest

from requorum.errors import DamagedInput
from requorum.formats.bbolt.damage import Damage
from requorum.formats.bbolt.meta import Meta, fnv1a_64, read_metas
from requorum.formats.source import BufferSource


def two_metas(page_size: int = 4096, *, txids: tuple[int, int] = (6, 7)) -> bytearray:
    """Return a file of two meta pages and room for two more pages."""
    metas = [
        bbolt_builder.meta(index, root=3, mark=4, txid=txid, page_size=page_size)
        for index, txid in enumerate(txids)
    ]
    return bytearray(b"".join(metas) + bytes(2 * page_size))


def test_fnv1a_known_answer() -> None:
    """The hash agrees with the published vectors."""
    assert fnv1a_64(b"") == 0xCBF29CE484222325
    assert fnv1a_64(b"foobar") == 0x85944171F73967E8


@pytest.mark.parametrize(("txids", "index"), [((6, 7), 1), ((8, 7), 0)])
def test_current_is_the_higher_txid(txids: tuple[int, int], index: int) -> None:
    """Of two valid metas the newer transaction counts; the other stays at hand."""
    metas = read_metas(BufferSource(two_metas(txids=txids)))
    assert metas.current.index == index
    assert metas.current.txid == max(txids)
    assert metas.previous is not None
    assert metas.previous.txid == min(txids)


@pytest.mark.parametrize("page_size", [1024, 4096, 16384, 65536])
def test_page_size_is_found_without_the_first_meta(page_size: int) -> None:
    """A ruined first meta leaves the second one to be probed for."""
    data = two_metas(page_size)
    data[:64] = bytes(64)
    metas = read_metas(BufferSource(data))
    assert metas.page_size == page_size
    assert metas.current.index == 1
    assert isinstance(metas.slots[0], Damage)


@pytest.mark.parametrize("offset", [16, 20, 24, 32, 48, 56, 64, 72])
def test_any_changed_field_invalidates(offset: int) -> None:
    """The checksum covers every field, itself included."""
    data = two_metas()
    data[4096 + offset] ^= 1
    metas = read_metas(BufferSource(data))
    assert isinstance(metas.slots[1], Damage)
    assert metas.slots[1].page == 1
    assert metas.slots[1].offset == 4096
    assert metas.current.txid == 6


def test_stray_meta_in_data_is_not_believed() -> None:
    """A copy of a meta page that lies where its page size does not put it is only data."""
    data = two_metas()
    stray = bytes(data[4096:8192])
    data[:8192] = bytes(8192)
    data[8192:12288] = stray
    metas = read_metas(BufferSource(data))
    assert metas.valid == ()


def test_sealed_but_senseless_page_size() -> None:
    """A right checksum does not make a page size of 3 usable."""
    data = bbolt_builder.meta(0, root=3, mark=4, txid=1, page_size=3).ljust(8192, b"\0")
    with pytest.raises(DamagedInput, match="page size 3"):
        _ = read_metas(BufferSource(data)).current


@pytest.mark.parametrize("size", [0, 1, 16, 79, 80, 4096, 4097])
def test_short_files(size: int) -> None:
    """Files that end early have no current meta, and say so with one error."""
    with pytest.raises(DamagedInput, match="neither meta page is valid"):
        _ = read_metas(BufferSource(bytes(size))).current


def test_meta_fields() -> None:
    """Fields come out as they went in."""
    slot = read_metas(BufferSource(two_metas())).slots[0]
    assert isinstance(slot, Meta)
    assert (slot.root, slot.high_water_mark, slot.logical_size) == (3, 4, 16384)
    assert not slot.freelist_persisted


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (-1, None),
        (0, None),
        (1, "the file ends at byte 409599; its meta page says 409600 bytes"),
        (409600, "the file ends at byte 0; its meta page says 409600 bytes"),
    ],
)
def test_the_words_for_a_cut_file(missing: int, said: str | None) -> None:
    """A file may be longer than its pages, never shorter."""
    meta = Meta(0, 4096, root=3, freelist=0, high_water_mark=100, txid=1)
    assert meta.cut_at(100 * 4096 - missing) == said
