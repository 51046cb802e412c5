"""ExecStart: the words of a command line, and what variables make of them.

Source: systemd.service(5), "Command lines". A word that is `$NAME` becomes the words of its value;
`${NAME}` in a word is replaced in it; `$$` is a dollar sign. Specifiers are replaced before.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from requorum.errors import DamagedInput
from requorum.formats.systemd.specifiers import expand_specifiers
from requorum.formats.systemd.words import Word, split_words

_PREFIXES = "-@:+!|"
_BRACED = re.compile(r"\$\$|\$\{(?P<name>[^}]*)\}|\$\{.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CommandLine:
    """One command as it is written. `words` are all of it, the program first.

    `words` have their specifiers replaced, not yet their variables; `expands` is false after the
    prefix `:`, where `$` means nothing.
    """

    program: str
    words: tuple[Word, ...]
    expands: bool


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of the process; `word` is the index of the word that it comes from.

    `variable` is the name of the variable whose value was split into it, None for a word that was
    written there.
    """

    text: str
    word: int
    variable: str | None = None


def parse_command_line(value: str, meaning: Mapping[str, str]) -> CommandLine:
    """Split the value of ExecStart; DamagedInput where systemd would not take it."""
    words = split_words(value)
    if not words:
        raise DamagedInput("the command line is empty")
    if any(value[word.begin : word.end] == ";" for word in words):
        raise DamagedInput("it holds several commands")
    prefix = words[0].text[: len(words[0].text) - len(words[0].text.lstrip(_PREFIXES))]
    bare = Word(words[0].text[len(prefix) :], words[0].begin + len(prefix), words[0].end)
    named_apart = 1 if "@" in prefix else 0
    arguments = [_meant(_semicolon(word), meaning) for word in words[1 + named_apart :]]
    program = _meant(bare, meaning)
    if not program.text:
        raise DamagedInput("the command line names no program")
    return CommandLine(program.text, (program, *arguments), expands=":" not in prefix)


def _semicolon(word: Word) -> Word:
    r"""Return the word that is written `\;` as what it stands for."""
    return Word(";", word.begin, word.end) if word.text == "\\;" else word


def _meant(word: Word, meaning: Mapping[str, str]) -> Word:
    return Word(expand_specifiers(word.text, meaning), word.begin, word.end)


def arguments_of(line: CommandLine, environment: Mapping[str, str]) -> tuple[Argument, ...]:
    """Return what the program is given, without its own name."""
    arguments: list[Argument] = []
    for index, word in enumerate(line.words[1:], start=1):
        name = split_variable(word.text) if line.expands else None
        if name is not None:
            parts = split_words(environment.get(name, ""), escapes=False)
            arguments += [Argument(part.text, index, name) for part in parts]
        else:
            text = _replaced(word.text, environment) if line.expands else word.text
            arguments.append(Argument(text, index))
    return tuple(arguments)


def split_variable(word: str) -> str | None:
    """Return the name in a word that is nothing but `$NAME`."""
    if word.startswith("$") and word[1:2] not in ("{", "$"):
        return word[1:]
    return None


def _replaced(word: str, environment: Mapping[str, str]) -> str:
    def value_of(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        # A brace that is not closed: the rest stays as it is.
        name = match["name"]
        return match[0] if name is None else environment.get(name, "")

    return _BRACED.sub(value_of, word)
