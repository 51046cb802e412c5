"""The JSON objects that etcd stores: parsed, and checked member by member.

Ids are 64-bit integers there, which a parser that thinks in floats would round.
"""

import json
from collections.abc import Mapping

from requorum.errors import DamagedInput

SIZE_MAX = 1 << 20
"""Bytes of one object, unless its caller knows of larger ones: a member, a configuration."""

_CONTAINERS_MAX = 1 << 20
"""Objects and lists within one. Empty ones take thirty times the memory of their two bytes."""


def json_object(
    data: bytes | memoryview | str, what: str, *, size_max: int = SIZE_MAX
) -> dict[str, object]:
    """Parse a JSON object; DamagedInput, naming `what`, where it is none or larger than that.

    Bytes that are no UTF-8 read as replacement characters, as in Go.
    """
    if len(data) > size_max:
        raise DamagedInput(f"{what} has {len(data)} bytes, more than any that etcd writes")
    content = data if isinstance(data, str) else bytes(data).decode("utf-8", "replace")
    if content.count("{") + content.count("[") > _CONTAINERS_MAX:
        raise DamagedInput(f"{what} holds more than {_CONTAINERS_MAX} objects")
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DamagedInput(f"{what} is not JSON") from error
    if not isinstance(parsed, dict):
        raise DamagedInput(f"{what} is not a JSON object")
    return parsed


def json_number(members: Mapping[str, object], name: str) -> int:
    """Return a u64 of a JSON object, 0 where it is missing; DamagedInput where it is none."""
    value = members.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 64:
        raise DamagedInput(f"{name} is not a number that fits 64 bits")
    return value


def json_text(members: Mapping[str, object], name: str) -> str:
    """Return a text of a JSON object, "" where it is missing; DamagedInput where it is none."""
    value = members.get(name, "")
    if not isinstance(value, str):
        raise DamagedInput(f"{name} is not a text")
    return _without_lone_surrogates(value)


def json_texts(members: Mapping[str, object], name: str) -> tuple[str, ...]:
    """Return a list of texts of a JSON object, () where it is missing or null."""
    value = members.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise DamagedInput(f"{name} is not a list of texts")
    return tuple(_without_lone_surrogates(text) for text in value)


def _without_lone_surrogates(text: str) -> str:
    r"""Replace halves of a character, as Go does: "\ud800" parses, but nothing can print it."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
