"""How the answers of several releases are shown: each once, with all that give it."""

from collections.abc import Callable, Iterable, Iterator
from textwrap import wrap
from typing import TYPE_CHECKING

from requorum.app.inspect.datadir.results import BootResult, DataDirResult
from requorum.cli.render.aligned_text import Row, listed, plain, print_heading, print_line

if TYPE_CHECKING:
    from rich.console import Console

_ANSWERS = {
    "starts": ("would start", "bold green"),
    "starts-after-repair": ("would start, after mending its files", "bold green"),
    "starts-behind": ("would start with data missing", "bold red"),
    "starts-anew": ("would start as a new member", "bold yellow"),
    "fails": ("would not start", "bold red"),
    "waits": ("would wait", "bold yellow"),
}
_TEXT_WIDTH = 78


def show_answer(out: "Console", result: DataDirResult) -> None:
    """Print what the release that wrote the data would do; all of them where none is named."""
    if result.asked is not None:
        _show_boot(out, result.boots[0].etcd, result.boots[0], result.asked_because)
        return
    why = result.asked_because or "nothing in the directory says which etcd wrote it"
    print_line(out, plain(why), style="bold yellow")
    for boot, releases in _folded(result.boots, lambda boot: boot.model_dump(exclude={"etcd"})):
        _show_boot(out, releases, boot, None)


def _show_boot(out: "Console", releases: str, boot: BootResult, because: str | None) -> None:
    print_line(out, f"etcd {releases} {_answer(boot)}", style=_ANSWERS[boot.outcome][1])
    print_line(out, f"  {plain(boot.why)}")
    _print_wrapped(out, _boot_rows(boot, because))


def _answer(boot: BootResult) -> str:
    """Return what it would do, in the words of the first line."""
    named = f": {boot.signature.id}" if boot.signature is not None else ""
    return f"{_ANSWERS[boot.outcome][0]}{named}"


def _folded(
    boots: Iterable[BootResult], answer: Callable[[BootResult], object]
) -> Iterator[tuple[BootResult, str]]:
    """Yield the first of those releases that have the same answer, with the names of all."""
    together: list[tuple[object, list[BootResult]]] = []
    for boot in boots:
        same = next((found for known, found in together if known == answer(boot)), None)
        if same is None:
            together.append((answer(boot), [boot]))
        else:
            same.append(boot)
    for _, found in together:
        yield found[0], ", ".join(boot.etcd for boot in found)


def _boot_rows(boot: BootResult, because: str | None) -> Iterator[Row]:
    signature = boot.signature
    if signature is not None:
        yield "its log says", signature.log_line
        if boot.alternatives:
            yield "", f"or what {' or '.join(boot.alternatives)} looks like"
        if not boot.at_once:
            yield "when", boot.when
        yield "cause", signature.cause
        yield "what to do", signature.fix
        if signature.never is not None:
            yield "never", signature.never
        yield from listed("see", signature.links)
    yield from listed("it would", boot.changes)
    yield from listed("beware", boot.warnings)
    if because is not None:
        yield "version", because
    yield from listed("known bugs", boot.known_problems)


def _print_wrapped(out: "Console", rows: Iterable[Row]) -> None:
    """Print rows below each other, texts of several lines too."""
    found = list(rows)
    width = max((len(label) for label, _ in found), default=0)
    for label, text in found:
        for number, line in enumerate(wrap(plain(text), _TEXT_WIDTH, break_long_words=False)):
            print_line(out, f"  {'' if number else label:{width}}  {line}")


def show_other_releases(out: "Console", result: DataDirResult) -> None:
    """Print the others, those in one row that would do the same."""
    if result.asked is None or len(result.boots) == 1:
        return

    def told(boot: BootResult) -> str:
        why = "" if boot.why == result.boots[0].why else f" ({plain(boot.why)})"
        return f"{_answer(boot)}{why}"

    print_heading(out, "other versions")
    rows = _folded(result.boots[1:], told)
    _print_wrapped(out, [(f"{releases}:", told(boot)) for boot, releases in rows])
