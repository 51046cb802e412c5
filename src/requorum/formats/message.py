"""A protobuf message by field number; of a number that repeats the last value counts.

`wire.fields` is the quicker way where a message is read often and its fields are few.
"""

from collections import defaultdict
from collections.abc import Container
from enum import IntEnum
from typing import TypeVar

from requorum.errors import DamagedInput
from requorum.formats import wire

_Enum = TypeVar("_Enum", bound=IntEnum)


class Message:
    """The fields of one message. Missing ones read as zero or empty, wrongly typed ones raise."""

    def __init__(
        self,
        data: bytes | memoryview,
        *,
        numbers: Container[int] = (),
        contents: Container[int] = (),
    ) -> None:
        """Read the fields; DamagedInput where one of those named is of the wrong kind.

        A field that is asked for is checked anyway: name those that etcd reads and we do not,
        since it refuses the message for them.
        """
        self._values: defaultdict[int, list[int | memoryview]] = defaultdict(list)
        for number, _, value in wire.fields(data):
            self._values[number].append(value)
            if number in numbers:
                wire.whole_number(value, f"field {number}")
            elif number in contents:
                wire.payload(value, f"field {number}")

    def unsigned(self, number: int) -> int:
        """Return a u64."""
        if number not in self._values:
            return 0
        return wire.whole_number(self._values[number][-1], f"field {number}")

    def signed(self, number: int) -> int:
        """Return an int64."""
        return wire.signed(self.unsigned(number))

    def flag(self, number: int) -> bool:
        """Return a bool."""
        return self.unsigned(number) != 0

    def one_of(self, number: int, kind: type[_Enum]) -> _Enum:
        """Return an enum's member; DamagedInput for a number that it does not have."""
        return known_enum(kind, self.unsigned(number))

    def messages(self, number: int) -> list[memoryview]:
        """Return the bytes of each repetition, in the order written."""
        values = self._values.get(number, ())
        return [wire.payload(value, f"field {number}") for value in values]

    def view(self, number: int) -> memoryview:
        """Return a view of bytes, for those that are too many to copy."""
        values = self.messages(number)
        return values[-1] if values else memoryview(b"")

    def content(self, number: int) -> bytes:
        """Return bytes."""
        return bytes(self.view(number))

    def text(self, number: int) -> str:
        """Return a text, with replacement characters where it is not UTF-8."""
        return self.content(number).decode("utf-8", "replace")

    def texts(self, number: int) -> tuple[str, ...]:
        """Return the texts of a repeated field."""
        return tuple(bytes(value).decode("utf-8", "replace") for value in self.messages(number))


def known_enum(kind: type[_Enum], number: int) -> _Enum:
    """Return the enum's member; DamagedInput for a number that it does not have."""
    try:
        return kind(number)
    except ValueError as error:
        raise DamagedInput(f"{number} is not a known {kind.__name__}") from error
