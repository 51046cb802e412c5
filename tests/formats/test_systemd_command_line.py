"""ExecStart: prefixes, specifiers, variables."""

import pytest

from requorum.errors import DamagedInput
from requorum.formats.systemd.command_line import arguments_of, parse_command_line
from requorum.formats.systemd.specifiers import HostWords, specifiers

MEANING = specifiers("etcd@one.service", HostWords(hostname="h1.example"))


def run(value: str, environment: dict[str, str] | None = None) -> list[str]:
    """Return program and arguments."""
    line = parse_command_line(value, MEANING)
    return [line.program, *(a.text for a in arguments_of(line, environment or {}))]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("/bin/etcd --name %H", ["/bin/etcd", "--name", "h1.example"]),
        ("-/bin/etcd a", ["/bin/etcd", "a"]),
        ("+!!-/bin/etcd a", ["/bin/etcd", "a"]),
        ("@/bin/etcd another-name a", ["/bin/etcd", "a"]),
        (":/bin/etcd $A ${A}", ["/bin/etcd", "$A", "${A}"]),
        ("/bin/etcd --name=%i-%l 100%% 5% \\;", ["/bin/etcd", "--name=one-h1", "100%", "5%", ";"]),
        ("etcd $NONE a${NONE}b $$A", ["etcd", "ab", "$A"]),
    ],
)
def test_command_lines(value: str, said: list[str]) -> None:
    """What systemd would run."""
    assert run(value) == said


def test_variables_know_where_they_came_from() -> None:
    """An argument out of a variable's value names it, one that was written has its word."""
    line = parse_command_line("/bin/etcd $ARGS --name=${N} --x", MEANING)
    found = arguments_of(line, {"ARGS": "--a 'b c'", "N": "n"})
    assert [(a.text, a.word, a.variable) for a in found] == [
        ("--a", 1, "ARGS"),
        ("b c", 1, "ARGS"),
        ("--name=n", 2, None),
        ("--x", 3, None),
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "is empty"),
        ("-", "names no program"),
        ("/bin/a ; /bin/b", "several commands"),
        ("/bin/etcd 'a", "is not closed"),
        ("/bin/etcd %q", "the specifier %q"),
    ],
)
def test_what_is_no_command_line(value: str, said: str) -> None:
    """What systemd refuses, and what only systemd knows, is an error."""
    with pytest.raises(DamagedInput, match=said):
        parse_command_line(value, MEANING)
