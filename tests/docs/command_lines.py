"""Command lines as they are shown, held against the real command tree."""

import shlex
from collections.abc import Iterator

import click

from requorum.cli.main import cli

Argv = tuple[str, ...]


def calls_of(line: str, program: str) -> Iterator[Argv]:
    """Yield the arguments of every call of `program` in a line of shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = "#"
    argv: list[str] | None = None
    for word in lexer:
        if set(word) <= set("();<>|&"):
            if argv is not None:
                yield tuple(argv)
            argv = None
        elif argv is not None:
            argv.append(word)
        elif word == program:
            argv = []
    if argv is not None:
        yield tuple(argv)


def parse(argv: Argv, *, whole: bool) -> None:
    """Raise click's UsageError unless the command tree takes these arguments.

    A mention in running text (`whole` False) may leave arguments out, or have FILE for one.
    """
    command: click.Command = cli
    context = click.Context(cli, info_name="requorum")
    rest = list(argv)
    while isinstance(command, click.Group):
        if not rest or rest[0] in {"--help", "-h", "--version"}:
            return
        name, found, rest = command.resolve_command(context, rest)
        if name is None or found is None:
            raise click.UsageError(f"no such command: {argv}")
        command, parent = found, context
        context = click.Context(command, info_name=name, parent=parent)
    try:
        command.make_context(context.info_name, rest, parent=context.parent)
    except click.exceptions.Exit:
        return
    except click.MissingParameter:
        if whole:
            raise
    except click.BadParameter:
        if whole or not any(word.isupper() for word in argv):
            raise


def command_tree() -> Iterator[tuple[str, click.Command]]:
    """Yield every command that can be called, by its words, groups left out."""
    yield from _below("requorum", cli)


def _below(words: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield words, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from _below(f"{words} {name}", found)
