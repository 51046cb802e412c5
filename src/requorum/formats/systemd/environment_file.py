r"""An environment file as systemd reads it, and the same file with variables changed.

Source: systemd.exec(5), EnvironmentFile=. Comments begin with `#` or `;`. A value may be quoted; a
backslash before the end of a line joins it with the next. `$` and `%` mean nothing. A name that is
none, such as one after `export`, is passed over. Of several assignments the last one counts.

Where a comment ends in a backslash, systemd up to 253 takes the next line for a part of it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from requorum.errors import DamagedInput

SIZE_MAX = 1 << 20
"""Characters of one file: more than any process may be given."""

_BLANKS = " \t\r\n"
_NEWLINES = "\r\n"
_SHELL_ESCAPED = '"\\`$'
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_PLAIN = re.compile(r"[A-Za-z0-9_@:,./=+%~\[\]-]*")


@dataclass(frozen=True, slots=True)
class Variable:
    """One assignment; [begin, end) is all of it in the text, without the end of its last line."""

    name: str
    value: str
    line: int
    begin: int
    end: int


class _State(Enum):
    BEFORE_NAME = auto()
    NAME = auto()
    BEFORE_VALUE = auto()
    VALUE = auto()
    ESCAPED = auto()
    SINGLE = auto()
    DOUBLE = auto()
    DOUBLE_ESCAPED = auto()
    COMMENT = auto()
    COMMENT_ESCAPED = auto()


def parse_environment_file(text: str, *, comments_go_on: bool = False) -> tuple[Variable, ...]:
    """Return its assignments in order, whatever their values.

    `comments_go_on` as systemd up to 253 reads comments.
    """
    if len(text) > SIZE_MAX:
        raise DamagedInput(f"it has more than {SIZE_MAX} characters, no environment is so large")
    if "\0" in text:
        raise DamagedInput("it holds a NUL character, so it is no environment file")
    found = _Reader(text, comments_go_on=comments_go_on).read()
    return tuple(variable for variable in found if _NAME.fullmatch(variable.name))


def that_count(variables: Iterable[Variable]) -> dict[str, Variable]:
    """Return the last assignment of each name, none where that holds control characters."""
    last = {variable.name: variable for variable in variables}
    return {name: v for name, v in last.items() if is_variable(name, v.value)}


def is_variable(name: str, value: str) -> bool:
    """Return whether systemd takes it for one; any other it passes over with a warning."""
    return _NAME.fullmatch(name) is not None and _CONTROL.search(value) is None


class _Reader:
    """Goes through the text once, character by character, as systemd does."""

    def __init__(self, text: str, *, comments_go_on: bool) -> None:
        self._text = text
        self._comments_go_on = comments_go_on
        self._state = _State.BEFORE_NAME
        self._name = ""
        self._value = ""
        self._kept = 0  # the length up to which blanks at the end of the value are meant
        self._begin = 0

    def read(self) -> Iterator[Variable]:
        """Yield each assignment when its line ends."""
        for at, char in enumerate(self._text):
            ends = char in _NEWLINES and self._state in (_State.BEFORE_VALUE, _State.VALUE)
            if ends:
                yield self._assignment(at)
                self._state = _State.BEFORE_NAME
            else:
                self._take(at, char)
        if self._state not in _NO_ASSIGNMENT:
            yield self._assignment(len(self._text))

    def _assignment(self, end: int) -> Variable:
        value = self._value
        if self._state is _State.VALUE:
            value = value[: self._kept] + value[self._kept :].rstrip(_BLANKS)
        line = self._text.count("\n", 0, self._begin) + 1
        return Variable(self._name.rstrip(_BLANKS), value, line, self._begin, end)

    def _take(self, at: int, char: str) -> None:
        match self._state:
            case _State.BEFORE_NAME:
                self._before_name(at, char)
            case _State.NAME:
                self._in_name(char)
            case _State.BEFORE_VALUE | _State.VALUE:
                self._in_value(char)
            case _State.COMMENT | _State.COMMENT_ESCAPED:
                self._in_comment(char)
            case _:
                self._quoted_or_escaped(char)

    def _before_name(self, at: int, char: str) -> None:
        if char in "#;":
            self._state = _State.COMMENT
        elif char not in _BLANKS:
            self._state = _State.NAME
            self._name, self._value, self._kept, self._begin = char, "", 0, at

    def _in_name(self, char: str) -> None:
        if char in _NEWLINES:
            self._state = _State.BEFORE_NAME
        elif char == "=":
            self._state = _State.BEFORE_VALUE
        else:
            self._name += char

    def _in_value(self, char: str) -> None:
        first = self._state is _State.BEFORE_VALUE
        if char == "\\":
            self._state = _State.ESCAPED
        elif first and char in "'\"":
            self._state = _State.SINGLE if char == "'" else _State.DOUBLE
        elif not (first and char in _BLANKS):
            self._state = _State.VALUE
            self._value += char

    def _quoted_or_escaped(self, char: str) -> None:
        match self._state:
            case _State.ESCAPED:
                self._state = _State.VALUE
                self._keep("" if char in _NEWLINES else char)
            case _State.SINGLE if char == "'":
                self._state = _State.BEFORE_VALUE
            case _State.DOUBLE if char == '"':
                self._state = _State.BEFORE_VALUE
            case _State.DOUBLE if char == "\\":
                self._state = _State.DOUBLE_ESCAPED
            case _State.DOUBLE_ESCAPED:
                self._state = _State.DOUBLE
                self._keep(_after_backslash(char))
            case _:
                self._keep(char)

    def _keep(self, text: str) -> None:
        self._value += text
        self._kept = len(self._value)

    def _in_comment(self, char: str) -> None:
        escaped = self._state is _State.COMMENT_ESCAPED
        ends = char in _NEWLINES and not (escaped and self._comments_go_on)
        if ends:
            self._state = _State.BEFORE_NAME
        elif char == "\\" and not escaped:
            self._state = _State.COMMENT_ESCAPED
        else:
            self._state = _State.COMMENT


_NO_ASSIGNMENT = (
    _State.BEFORE_NAME,
    _State.NAME,
    _State.COMMENT,
    _State.COMMENT_ESCAPED,
)


def _after_backslash(char: str) -> str:
    """Return what a backslash and this character mean between double quotes."""
    if char in _SHELL_ESCAPED:
        return char
    return "" if char == "\n" else "\\" + char


def changed_environment_file(text: str, values: Mapping[str, str]) -> str:
    """Return the text with these variables set; every other character stays.

    The last assignment of a name is changed, a name that has none gets a line at the end.
    DamagedInput when the text cannot be changed so that it means this and nothing else.
    """
    last = {variable.name: variable for variable in parse_environment_file(text)}
    result = text
    for variable in sorted(last.values(), key=lambda v: v.begin, reverse=True):
        if variable.name in values and variable.value != values[variable.name]:
            line = f"{variable.name}={_quoted(values[variable.name])}"
            result = result[: variable.begin] + line + result[variable.end :]
    new = [f"{name}={_quoted(value)}\n" for name, value in values.items() if name not in last]
    if new and result and not result.endswith("\n"):
        result += "\n"
    return _proven("".join([result, *new]), text, values)


def _proven(result: str, text: str, values: Mapping[str, str]) -> str:
    """Return the result once it was read back, as every systemd would."""
    for comments_go_on in (False, True):
        before = _meaning(parse_environment_file(text, comments_go_on=comments_go_on))
        after = _meaning(parse_environment_file(result, comments_go_on=comments_go_on))
        if after != before | dict(values):
            raise DamagedInput("its lines cannot be changed one by one")
    return result


def _meaning(variables: Iterable[Variable]) -> dict[str, str]:
    return {name: variable.value for name, variable in that_count(variables).items()}


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    escaped = "".join(f"\\{char}" if char in _SHELL_ESCAPED else char for char in value)
    return f'"{escaped}"'
