"""The JSON objects that etcd stores."""

import pytest

from requorum.errors import DamagedInput
from requorum.formats.json_object import json_number, json_object, json_text, json_texts


def test_members_of_an_object() -> None:
    """Ids keep all of their 64 bits; what is missing is zero or empty."""
    members = json_object(
        b'{"id": 18446744073709551615, "name": "a", "urls": ["x"], "no": null}', "it"
    )
    assert json_number(members, "id") == (1 << 64) - 1
    assert (json_text(members, "name"), json_texts(members, "urls")) == ("a", ("x",))
    assert (json_number(members, "-"), json_text(members, "-")) == (0, "")
    assert (json_texts(members, "-"), json_texts(members, "no")) == ((), ())


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"[1]", b"1", b'{"a":' * 100_000, b'{"a": ' + b"1" * 9999 + b"}"],
)
def test_no_object(content: bytes) -> None:
    """Whatever is no JSON object is damage with its name, however it fails to parse."""
    with pytest.raises(DamagedInput, match="the member"):
        json_object(content, "the member")


@pytest.mark.parametrize("value", [True, -1, 1 << 64, 1.0, "1", None])
def test_no_number(value: object) -> None:
    """Only integers of 64 bits are numbers."""
    with pytest.raises(DamagedInput, match="id is not a number"):
        json_number({"id": value}, "id")


def test_no_text() -> None:
    """Other kinds in place of texts are damage."""
    with pytest.raises(DamagedInput, match="name is not a text"):
        json_text({"name": 1}, "name")
    for value in ("x", [1], {}):
        with pytest.raises(DamagedInput, match="urls is not a list of texts"):
            json_texts({"urls": value}, "urls")


def test_texts_can_be_printed() -> None:
    r"""Half a character, and bytes that are no UTF-8, read as in Go: as U+FFFD."""
    members = json_object(
        b'{"a": "x\\ud800y", "b": ["\\udfff"], "c": "\xff", "d": "\\ud83d\\ude00"}', "it"
    )
    assert json_text(members, "a") == "x\N{REPLACEMENT CHARACTER}y"
    assert json_texts(members, "b") == ("\N{REPLACEMENT CHARACTER}",)
    assert json_text(members, "c") == "\N{REPLACEMENT CHARACTER}"
    assert json_text(members, "d") == "\N{GRINNING FACE}"


def test_memory_is_bounded() -> None:
    """Neither large objects nor millions of empty ones are parsed."""
    with pytest.raises(DamagedInput, match="it has 1048577 bytes"):
        json_object(b" " * ((1 << 20) + 1), "it")
    with pytest.raises(DamagedInput, match="it holds more than 1048576 objects"):
        json_object(b'{"a": [' + b"{}," * (1 << 20) + b"{}]}", "it", size_max=1 << 30)
