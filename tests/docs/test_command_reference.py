"""docs/reference/commands.md is the command tree, in words."""

from collections.abc import Iterator

import click
from command_lines import command_tree
from doc_pages import ROOT
from rewriting import hold_below_mark

PAGE = ROOT / "docs" / "reference" / "commands.md"


def test_the_page_is_the_command_tree() -> None:
    """Every command and option is there as the code has it, and nothing else."""
    hold_below_mark(PAGE, "\n".join(_sections()))


def _sections() -> Iterator[str]:
    for words, command in command_tree():
        context = click.Context(command)
        arguments = [p for p in command.params if isinstance(p, click.Argument)]
        options = [p for p in command.params if isinstance(p, click.Option)]
        shown = "".join(f" {(p.name or '').upper()}" for p in arguments)
        yield f"## {words}\n"
        yield f"`{words}{shown}`\n"
        yield _plain(command.help or "") + "\n"
        if options:
            yield "| Option | Meaning | Default | Variable |\n|---|---|---|---|"
            yield from (_row(option, context) for option in options)
            yield ""


def _plain(text: str) -> str:
    paragraphs = text.replace("\b", "").strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _row(option: click.Option, context: click.Context) -> str:
    record = option.get_help_record(context)
    assert record is not None, f"{option.name} is hidden"
    flags = ", ".join(option.opts)
    value = "" if option.is_flag else f" {option.make_metavar(context)}".replace("|", "\\|")
    default = _default(option)
    variable = f"`{option.envvar}`" if isinstance(option.envvar, str) else ""
    return f"| `{flags}{value}` | {_plain(option.help or '')} | {default} | {variable} |"


def _default(option: click.Option) -> str:
    if option.is_flag or not option.show_default or option.default is None:
        return ""
    default = option.default
    return f"`{getattr(default, 'value', default)}`"
