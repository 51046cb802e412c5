"""What systemctl says of a unit."""

import pytest

from requorum.formats.systemd.unit_state import parse_properties, parse_unit_state


def shown(active: str, sub: str = "x", load: str = "loaded", job: str = "") -> str:
    """Return what `systemctl show` prints."""
    return f"LoadState={load}\nActiveState={active}\nSubState={sub}\nJob={job}\n"


@pytest.mark.parametrize(
    ("text", "runs", "started"),
    [
        (shown("active", "running"), True, True),
        (shown("reloading"), True, True),
        (shown("activating", "start"), True, False),
        (shown("activating", "auto-restart"), True, False),
        (shown("deactivating", "stop-sigterm"), True, False),
        (shown("inactive", "dead"), False, False),
        (shown("inactive", "dead", job="117"), True, False),
        (shown("inactive", "dead", job="0"), False, False),
        (shown("failed", "failed"), False, False),
        (shown("inactive", load="masked"), False, False),
    ],
)
def test_states(text: str, runs: bool, started: bool) -> None:  # noqa: FBT001  # a table
    """What runs, what ends, and what systemd starts by itself is running."""
    state = parse_unit_state(text)
    assert (state.runs, state.started, state.exists) == (runs, started, True)


def test_no_unit() -> None:
    """A unit whose file is gone is none, unless it still runs."""
    assert not parse_unit_state(shown("inactive", load="not-found")).exists
    assert parse_unit_state(shown("active", load="not-found")).exists
    assert parse_unit_state("").active == ""


def test_properties() -> None:
    """A value may hold `=`; a line without one is none."""
    assert parse_properties("A=b=c\nnothing\nB=\n") == {"A": "b=c", "B": ""}
