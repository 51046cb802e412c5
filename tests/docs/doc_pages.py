"""The pages that users read, and the blocks in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHELL_LANGUAGES = frozenset({"console", "sh"})

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\s*$")
_DIRECTIVE = re.compile(
    r"^ *<!-- execute(?P<hosts> on hosts)?(?:: exit (?P<code>\d+))? -->\s*$",
)
_INLINE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Command:
    """One command of a block and the output that is shown below it."""

    line: int
    text: str
    shown: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """A fenced block. `exit_code` is what its last command must end with; None: not executed.

    `on_hosts`: it is executed only where real hosts can run.
    """

    page: Path
    line: int
    language: str
    text: str
    exit_code: int | None
    on_hosts: bool = False

    @property
    def place(self) -> str:
        """Return page and line, for messages."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self) -> tuple[Command, ...]:
        """Return the commands: lines behind "$ " of a console, every line of a script."""
        if self.language == "sh":
            script = self.text.replace("\\\n", " ").splitlines()
            return tuple(
                Command(self.line + 1, line, ())
                for line in script
                if line.strip() and not line.lstrip().startswith("#")
            )
        return tuple(self._console())

    def _console(self) -> Iterator[Command]:
        parts = re.split(r"^\$ ", self.text, flags=re.MULTILINE)
        line = self.line + 1 + parts[0].count("\n")
        for part in parts[1:]:
            text, shown = _command_and_output(part)
            yield Command(line, text, tuple(shown.splitlines()))
            line += part.count("\n")


def _command_and_output(part: str) -> tuple[str, str]:
    command, _, output = part.partition("\n")
    while command.endswith("\\"):
        following, _, output = output.partition("\n")
        command = command.removesuffix("\\") + following
    return command, output


def pages() -> tuple[Path, ...]:
    """Return every page, README first."""
    top = [ROOT / name for name in ("README.md", "README.zh-CN.md", "CHANGELOG.md")]
    return (*top, *sorted((ROOT / "docs").rglob("*.md")))


def blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    lines = page.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        opening = _FENCE.match(lines[number])
        if opening is None:
            number += 1
            continue
        end = number + 1
        while lines[end].strip() != "```":
            end += 1
        indent = len(opening["indent"])
        directive = _DIRECTIVE.match(lines[number - 1]) if number else None
        yield Block(
            page=page,
            line=number + 1,
            language=opening["language"],
            text="".join(f"{line[indent:]}\n" for line in lines[number + 1 : end]),
            exit_code=None if directive is None else int(directive["code"] or 0),
            on_hosts=directive is not None and directive["hosts"] is not None,
        )
        number = end + 1


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    kept: list[str] = []
    inside = False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.lstrip().startswith("```"):
            inside = not inside
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def inline_code(page: Path) -> tuple[str, ...]:
    """Return what stands between single backticks."""
    return tuple(_INLINE.findall(prose(page)))


def name_of(page: Path) -> str:
    """Return a page's path as tests are named by it."""
    return str(page.relative_to(ROOT))
