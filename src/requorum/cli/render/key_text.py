r"""Keys as a terminal shows them, and back.

A key of ordinary characters stands as it is. Any other one is quoted as Go's %q, and etcdctl, do
it: control characters and bytes that are not UTF-8 come as \n, \x00, \u202e, so that no key can
move the cursor, forge a line or hide. What is shown is unambiguous, and can be typed back.
"""

import re

from requorum.errors import UsageError

_SPECIAL = frozenset('"\\ ')
_NAMED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_NAMES = {character: name for name, character in _NAMED.items()}
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)


def shown_key(key: bytes) -> str:
    """Return a key, quoted only where it must be."""
    text = key.decode("utf-8", "surrogateescape")
    if text.isprintable() and text and _SPECIAL.isdisjoint(text):
        return text
    return quoted(key)


def quoted(content: bytes) -> str:
    """Return any bytes in double quotes."""
    text = content.decode("utf-8", "surrogateescape")
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character in _NAMES:
        return f"\\{_NAMES[character]}"
    if character.isprintable():
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def typed_key(text: str) -> bytes:
    """Return the key that an operator typed: as it is, or as `quoted` shows it.

    UsageError where it begins with a quote and is not a quoted key.
    """
    if not text.startswith('"'):
        return text.encode("utf-8", "surrogateescape")
    bare = _ESCAPE.sub("", text[1:-1])
    if len(text) < 2 or not text.endswith('"') or '"' in bare or "\\" in bare:
        raise UsageError(
            f"{text} begins with a quote and is not a quoted key",
            hint=r"A key in double quotes is read as it is shown: \x00 is a zero byte.",
        )
    return b"".join(_parts(text[1:-1]))


def _parts(inside: str) -> list[bytes]:
    parts: list[bytes] = []
    place = 0
    for found in _ESCAPE.finditer(inside):
        parts += [_encoded(inside[place : found.start()]), _unescaped(found)]
        place = found.end()
    return [*parts, _encoded(inside[place:])]


def _unescaped(found: re.Match[str]) -> bytes:
    byte, short, long, name = found.groups()
    if byte is not None:
        return bytes([int(byte, 16)])
    if name is not None:
        if name in '"\\':
            return name.encode()
        if name not in _NAMED:
            raise UsageError(f"\\{name} is no escape of a quoted key")
        return _NAMED[name].encode()
    code = int(short or long, 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise UsageError(f"{found[0]} is no character")
    return _encoded(chr(code))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
