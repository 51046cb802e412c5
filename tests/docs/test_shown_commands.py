"""Every command line that a page shows is one that requorum takes; every link leads somewhere."""

import re
from pathlib import Path

import click
import pytest
from command_lines import calls_of, parse
from doc_pages import ROOT, SHELL_LANGUAGES, blocks, inline_code, name_of, pages, prose

PAGES = pages()
by_page = pytest.mark.parametrize("page", PAGES, ids=name_of)

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_PAGE = re.compile(r"\bdocs/[\w/-]+\.md\b")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)
_FOREIGN = re.compile(
    r"/(?:tmp|root|work|mnt)/|/home/(?!you\b)|\b(?:pypi|proxy|mirror|registry)\.[a-z]+\.?",
    re.IGNORECASE,
)


@by_page
def test_every_shown_call_parses(page: Path) -> None:
    """Commands, options and types in shell blocks are those of the real command tree."""
    for block in blocks(page):
        if block.language in SHELL_LANGUAGES:
            for command in block.commands:
                for argv in calls_of(command.text, "requorum"):
                    parse(argv, whole=True)


@by_page
def test_every_mentioned_call_parses(page: Path) -> None:
    """So are those in running text, which may leave arguments out."""
    for code in inline_code(page):
        if code.startswith("requorum "):
            for argv in calls_of(code, "requorum"):
                parse(argv, whole=False)


def test_a_wrong_flag_is_found() -> None:
    """The check can fail: it knows no flag that the command does not have."""
    with pytest.raises(click.UsageError):
        parse(("recover", "--force"), whole=False)
    with pytest.raises(click.UsageError):
        parse(("recover-all",), whole=False)
    with pytest.raises(click.UsageError):
        parse(("restore",), whole=True)


@by_page
def test_every_make_target_exists(page: Path) -> None:
    """`make X` is shown only where the Makefile has X."""
    targets = set(_TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    shown = [c.text for b in blocks(page) if b.language in SHELL_LANGUAGES for c in b.commands]
    for text in (*shown, *(c for c in inline_code(page) if c.startswith("make "))):
        for argv in calls_of(text, "make"):
            assert {word for word in argv if "=" not in word} <= targets, f"{page}: {text}"


@by_page
def test_every_link_resolves(page: Path) -> None:
    """Relative links lead to a file, and their anchors to a heading in it."""
    for link in _LINK.findall(prose(page)):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page}: {link}"
        if anchor:
            headings = _HEADING.findall(target.read_text(encoding="utf-8"))
            assert anchor in {_anchor_of(heading) for heading in headings}, f"{page}: {link}"


def _anchor_of(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@by_page
def test_no_place_of_one_machine_is_shown(page: Path) -> None:
    """Paths are those of anybody's machine, and no package index is named."""
    found = _FOREIGN.search(page.read_text(encoding="utf-8"))
    assert found is None, f"{page}: {found}"


def test_both_readmes_show_the_same_commands() -> None:
    """The Chinese page is the same page: same commands and outputs, in the same order, linked."""
    english, chinese = ROOT / "README.md", ROOT / "README.zh-CN.md"
    shown = [
        [b.text for b in blocks(page) if b.language in SHELL_LANGUAGES]
        for page in (english, chinese)
    ]
    assert shown[0]
    assert shown[0] == shown[1]
    first = [page.read_text(encoding="utf-8").splitlines()[0] for page in (english, chinese)]
    assert "README.zh-CN.md" in first[0]
    assert "README.md" in first[1]


def test_every_page_is_reached_from_the_readme() -> None:
    """Following links from README.md leads to every page."""
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = (link.partition("#")[0] for link in _LINK.findall(prose(page)))
        waiting += [(page.parent / x).resolve() for x in links if x and "://" not in x]
    assert {name_of(page) for page in PAGES} == {name_of(p) for p in reached}


def test_every_page_that_the_code_names_exists() -> None:
    """A docstring that sends its reader to a page sends nobody into the void."""
    named = {
        page
        for source in (ROOT / "src").rglob("*.py")
        for page in _PAGE.findall(source.read_text(encoding="utf-8"))
    }
    assert named
    assert not {page for page in named if not (ROOT / page).exists()}
