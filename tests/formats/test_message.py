"""Messages by field number."""

from enum import IntEnum

import pytest

from requorum.errors import DamagedInput
from requorum.formats.message import Message, known_enum
from requorum.formats.wire import field_bytes, field_varint


class Colour(IntEnum):
    """An enum of two."""

    RED = 0
    BLUE = 1


def test_missing_fields_are_empty() -> None:
    """Nothing reads as zero, no, or empty."""
    empty = Message(b"")
    assert (empty.unsigned(1), empty.signed(1), empty.flag(1)) == (0, 0, False)
    assert (empty.content(1), empty.text(1), empty.texts(1), empty.messages(1)) == (b"", "", (), [])
    assert empty.one_of(1, Colour) is Colour.RED


def test_last_value_counts() -> None:
    """Of repeated single fields the last one counts; repeated ones keep their order."""
    numbers = Message(field_varint(1, 3) + field_varint(1, -4))
    assert (numbers.signed(1), numbers.unsigned(1)) == (-4, (1 << 64) - 4)
    texts = Message(field_bytes(2, b"a") + field_bytes(2, b"b"))
    assert (texts.text(2), texts.texts(2)) == ("b", ("a", "b"))


def test_text_that_is_not_utf8() -> None:
    """Such text is shown, with replacement characters."""
    assert Message(field_bytes(1, b"a\xff")).text(1) == "a\N{REPLACEMENT CHARACTER}"


def test_unknown_enum_number() -> None:
    """A number beyond the enum is damage."""
    assert known_enum(Colour, 1) is Colour.BLUE
    with pytest.raises(DamagedInput, match="7 is not a known Colour"):
        Message(field_varint(1, 7)).one_of(1, Colour)


def test_wrong_kind() -> None:
    """Bytes for a number, and the other way round, are damage."""
    with pytest.raises(DamagedInput, match="field 1"):
        Message(field_bytes(1, b"")).unsigned(1)
    with pytest.raises(DamagedInput, match="field 1"):
        Message(field_varint(1, 0)).content(1)


def test_fields_that_only_etcd_reads() -> None:
    """Fields that are named are checked though nobody asks for them: etcd refuses the message."""
    content = field_varint(1, 3) + field_bytes(2, b"a")
    assert Message(content, numbers=(1,), contents=(2,)).unsigned(1) == 3
    for wrong in ({"numbers": (2,)}, {"contents": (1,)}):
        with pytest.raises(DamagedInput, match="field"):
            Message(content, **wrong)
