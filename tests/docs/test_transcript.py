"""Holding a session against a page finds what differs, and only that."""

from pathlib import Path

from doc_pages import ROOT, Block
from transcript import alike, differences

HOME = Path("/somewhere")


def block(text: str) -> Block:
    """Return a console block."""
    return Block(ROOT / "README.md", 1, "console", text, 0)


def test_numbers_ids_and_paths_are_written_alike() -> None:
    """Two runs of the same thing read the same."""
    first = "run 20261121-040415-sv26 took 11.7 s, cluster 70692d6a90bad527, /somewhere/lab/etcd1"
    other = "run 20270101-000000-abcd took 9 s, cluster 1b6af51e10c1b2a9, /home/you/lab/etcd1"
    assert alike(first, HOME) == alike(other, HOME)


def test_names_are_not_taken_for_numbers() -> None:
    """etcd1 is not etcd2."""
    assert alike("etcd1", HOME) != alike("etcd2", HOME)


def test_an_ellipsis_stands_for_any_lines_and_words() -> None:
    """A page may shorten what is printed."""
    shown = block("$ x\nfirst\n…\nlast … word\n")
    assert not differences(shown, ["first\na\nb\nlast long word\n"], HOME)
    assert not differences(shown, ["first\nlast a word\n"], HOME)


def test_what_is_not_shown_is_found() -> None:
    """A line more, a line less and another word are differences."""
    shown = block("$ x\nproven none\n")
    for said in ("", "proven none\nmore\n", "not proven\n"):
        assert differences(shown, [said], HOME)


def test_the_commands_of_a_console_are_told_from_their_output() -> None:
    """A backslash goes on; lines without a prompt are output."""
    first, second = block("$ one \\\n    two\nsaid\n$ three\n").commands
    assert (first.text, first.shown, first.line) == ("one     two", ("said",), 2)
    assert (second.text, second.shown, second.line) == ("three", (), 5)
