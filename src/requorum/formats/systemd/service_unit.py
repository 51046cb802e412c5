"""What a service's unit file and its drop-ins say together.

Source: systemd.unit(5), systemd.service(5), systemd.exec(5). Drop-ins come after the unit file, in
the order in which systemd lists them; an empty assignment of a list forgets what came before.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from requorum.errors import DamagedInput
from requorum.formats.systemd.command_line import CommandLine, parse_command_line
from requorum.formats.systemd.environment_file import is_variable
from requorum.formats.systemd.specifiers import expand_specifiers
from requorum.formats.systemd.unit_file import Directive, parse_unit_file
from requorum.formats.systemd.words import Word, split_words
from requorum.formats.text_file import TextFile

_MOVES_ROOT = ("RootDirectory", "RootImage")


@dataclass(frozen=True, slots=True)
class UnitVariable:
    """One Environment= assignment, or one name of UnsetEnvironment= with its value or without."""

    name: str
    value: str | None
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class NamedFile:
    """One EnvironmentFile=: a path or a pattern. One that is `optional` may be missing."""

    path: str
    optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceUnit:
    """The settings of a service that decide how a member runs.

    `command` is the only ExecStart=, `directive` the assignment that it stands in, `path` that
    assignment's file. Specifiers are replaced but in `directive`. "" where nothing is set.
    """

    command: CommandLine
    directive: Directive
    path: str
    environment: tuple[UnitVariable, ...]
    environment_files: tuple[NamedFile, ...]
    unset: tuple[UnitVariable, ...]
    user: str
    group: str
    working_directory: str


def parse_service(files: Sequence[TextFile], meaning: Mapping[str, str]) -> ServiceUnit:
    """Read the unit file and its drop-ins, in that order.

    DamagedInput, naming file and line, for what systemd would refuse and for what we cannot tell.
    """
    placed = tuple(_placed(files))
    _refuse_other_root(placed)
    path, directive = _exec_start(placed)
    return ServiceUnit(
        command=_at((path, directive), lambda d: parse_command_line(d.value, meaning)),
        directive=directive,
        path=path,
        environment=_variables(placed, "Environment", meaning),
        environment_files=_environment_files(placed, meaning),
        unset=_variables(placed, "UnsetEnvironment", meaning),
        user=_scalar(placed, "User", meaning),
        group=_scalar(placed, "Group", meaning),
        working_directory=_scalar(placed, "WorkingDirectory", meaning).removeprefix("-"),
    )


_Placed = tuple[str, Directive]
_Read = TypeVar("_Read")


def _placed(files: Sequence[TextFile]) -> Iterator[_Placed]:
    for file in files:
        try:
            directives = parse_unit_file(file.text)
        except DamagedInput as error:
            raise DamagedInput(f"{file.path}: {error.message}", hint=error.hint) from error
        yield from ((file.path, d) for d in directives if d.section == "Service")


def _at(placed: _Placed, read: Callable[[Directive], _Read]) -> _Read:
    """Read one assignment; what is wrong with it is said with its file and line."""
    path, directive = placed
    try:
        return read(directive)
    except DamagedInput as error:
        where = f"{path}:{directive.line}: {directive.name}="
        raise DamagedInput(f"{where}: {error.message}", hint=error.hint) from error


def _since_reset(placed: Sequence[_Placed], name: str) -> tuple[_Placed, ...]:
    """Return the assignments of a list that count."""
    found: list[_Placed] = []
    for path, directive in placed:
        if directive.name == name:
            found = [*found, (path, directive)] if directive.value else []
    return tuple(found)


def _exec_start(placed: Sequence[_Placed]) -> _Placed:
    commands = _since_reset(placed, "ExecStart")
    if not commands:
        raise DamagedInput("the unit has no ExecStart=")
    if len(commands) > 1:
        places = " and ".join(f"{path}:{directive.line}" for path, directive in commands)
        raise DamagedInput(
            f"the unit has more than one ExecStart=: {places}",
            hint="A drop-in that replaces it begins with an empty `ExecStart=`.",
        )
    return commands[0]


def _refuse_other_root(placed: Sequence[_Placed]) -> None:
    for name in _MOVES_ROOT:
        for path, directive in _last(placed, name):
            if directive.value:
                raise DamagedInput(
                    f"{path}:{directive.line}: {name}= moves the service to another root, "
                    "so its paths are not those of the host"
                )


def _last(placed: Sequence[_Placed], name: str) -> tuple[_Placed, ...]:
    return tuple(p for p in placed if p[1].name == name)[-1:]


def _scalar(placed: Sequence[_Placed], name: str, meaning: Mapping[str, str]) -> str:
    values = [
        _at(last, lambda d: expand_specifiers(d.value, meaning)) for last in _last(placed, name)
    ]
    return "".join(values)


def _environment_files(
    placed: Sequence[_Placed], meaning: Mapping[str, str]
) -> tuple[NamedFile, ...]:
    return tuple(
        _at(each, lambda d: _named_file(expand_specifiers(d.value, meaning)))
        for each in _since_reset(placed, "EnvironmentFile")
    )


def _named_file(value: str) -> NamedFile:
    path = value.removeprefix("-")
    if not path.startswith("/"):
        raise DamagedInput(f"`{path}` is not an absolute path")
    return NamedFile(path, optional=path != value)


def _variables(
    placed: Sequence[_Placed], name: str, meaning: Mapping[str, str]
) -> tuple[UnitVariable, ...]:
    return tuple(
        variable for each in _since_reset(placed, name) for variable in _variables_of(each, meaning)
    )


def _variables_of(placed: _Placed, meaning: Mapping[str, str]) -> Iterator[UnitVariable]:
    path, directive = placed
    for word in _at(placed, lambda d: _expanded(split_words(d.value), meaning)):
        name, equals, value = word.text.partition("=")
        if is_variable(name, value):
            line = directive.line_at(word.begin)
            yield UnitVariable(name, value if equals else None, path, line)


def _expanded(words: Sequence[Word], meaning: Mapping[str, str]) -> tuple[Word, ...]:
    return tuple(Word(expand_specifiers(w.text, meaning), w.begin, w.end) for w in words)
