r"""Words as systemd splits a setting's value: quotes, C escapes, and back.

Source: systemd.syntax(7), "Quoting"; systemd.service(5), "Command lines". A quote may begin in the
middle of a word. An escape that systemd does not know stays as it is, backslash and all.
"""

import re
from dataclasses import dataclass

from requorum.errors import DamagedInput

_BLANKS = " \t\n\r"
_QUOTES = "'\""
_SIMPLE = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    '"': '"',
    "'": "'",
    "s": " ",
}
_NUMBERED = re.compile(
    r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})",
)
_OCTAL = 4
_BYTES = (1, _OCTAL)
_LONE_BYTE = 0xDC00  # where Python's surrogateescape keeps a byte
_PLAIN = re.compile(r"[A-Za-z0-9_@:,./=+-]+")


@dataclass(frozen=True, slots=True)
class Word:
    """One word, and the [begin, end) of the text that it was written as."""

    text: str
    begin: int
    end: int


def split_words(text: str, *, escapes: bool = True) -> tuple[Word, ...]:
    """Split into words; DamagedInput for a quote that is not closed.

    Without `escapes` it is split as the value of `$VARIABLE` on a command line: a backslash keeps
    the next character as it is, and the end of the text closes every quote.
    """
    words: list[Word] = []
    at = _after_blanks(text, 0)
    while at < len(text):
        word = _Reader(text, at, escapes=escapes).read()
        words.append(word)
        at = _after_blanks(text, word.end)
    return tuple(words)


def _after_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at


class _Reader:
    """Reads one word. `escapes` as `split_words` has it."""

    def __init__(self, text: str, begin: int, *, escapes: bool) -> None:
        self._text = text
        self._begin = self._at = begin
        self._escapes = escapes
        self._out: list[str] = []
        self._known_only = True

    def read(self) -> Word:
        quote = ""
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == "\\":
                self._escape(quote)
            elif quote:
                quote = self._inside(char, quote)
            elif char in _QUOTES:
                quote, self._at = char, self._at + 1
            elif char in _BLANKS:
                break
            else:
                self._take(char)
        if quote and self._escapes:
            raise DamagedInput(f"the quote at character {self._begin + 1} is not closed")
        return Word(_bytes_joined("".join(self._out)), self._begin, self._at)

    def _inside(self, char: str, quote: str) -> str:
        if char == quote:
            self._at += 1
            return ""
        self._take(char)
        return quote

    def _take(self, char: str) -> None:
        self._out.append(char)
        self._at += 1

    def _escape(self, quote: str) -> None:
        following = self._text[self._at + 1 : self._at + 2]
        if not self._escapes:
            self._out.append(following)
            self._at += 2 if following else 1
            return
        if not following and quote:
            raise DamagedInput(f"the quote at character {self._begin + 1} is not closed")
        meant, length = _unescaped(self._text, self._at + 1)
        self._out.append(meant if length else "\\" + following)
        self._at += 1 + (length or len(following))


def _unescaped(text: str, at: int) -> tuple[str, int]:
    """Return what the escape means and how many characters it has; ("", 0) for an unknown one."""
    simple = _SIMPLE.get(text[at : at + 1])
    if simple is not None:
        return simple, 1
    numbered = _NUMBERED.match(text, at)
    if numbered is None:
        return "", 0
    kind = numbered.lastindex or 0
    value = int(numbered[kind], 8 if kind == _OCTAL else 16)
    if value == 0 or value > 0x10FFFF or 0xD800 <= value < 0xE000:
        return "", 0
    if kind in _BYTES and value >= 0x80:
        value += _LONE_BYTE
    return chr(value), len(numbered[0])


def _bytes_joined(text: str) -> str:
    """Make characters of the bytes that escapes named one by one."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def quoted_word(text: str) -> str:
    """Return the text as one word of a setting's value, specifiers and variables not meant."""
    literal = text.replace("%", "%%")
    if _PLAIN.fullmatch(literal):
        return literal
    escaped = literal.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def quoted_argument(text: str) -> str:
    """Return the text as one argument of a command line, on which `$` would begin a variable."""
    return quoted_word(text.replace("$", "$$"))
