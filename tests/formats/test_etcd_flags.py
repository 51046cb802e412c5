"""etcd's command line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.errors import DamagedInput
from requorum.formats.etcd_settings.flags import BOOLEAN_FLAGS, Flag, parse_flags, variable_of


def test_flags() -> None:
    """One dash or two, with or without `=`; a boolean takes its value only with `=`."""
    found = parse_flags(
        [
            "--name=a=b",
            "-data-dir",
            "/d",
            "--client-cert-auth",
            "--auto-tls=false",
            "-v",
            "--x",
            "-1",
        ]
    )
    assert found == (
        Flag("name", "a=b", 0, 0),
        Flag("data-dir", "/d", 1, 2),
        Flag("client-cert-auth", "true", 3, 3),
        Flag("auto-tls", "false", 4, 4),
        Flag("v", "true", 5, 5),
        Flag("x", "-1", 6, 7),
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--name"], "needs a value"),
        (["etcd", "--name=a"], "`etcd` is no flag"),
        (["--client-cert-auth", "true"], "`true` is no flag"),
        (["---name=a"], "`---name=a` is no flag"),
        (["--"], "`--` is no flag"),
        (["--=a"], "`--=a` is no flag"),
        ([""], "`` is no flag"),
        (["gateway", "start"], "no member of a cluster"),
    ],
)
def test_what_etcd_does_not_start_with(arguments: list[str], said: str) -> None:
    """Go's flag package ends there, and etcd with it."""
    with pytest.raises(DamagedInput, match=said):
        parse_flags(arguments)


def test_variables() -> None:
    """A flag's variable is its name in capitals."""
    assert variable_of("initial-cluster-state") == "ETCD_INITIAL_CLUSTER_STATE"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["name", "data-dir", "initial-cluster", *sorted(BOOLEAN_FLAGS)[:3]]),
            st.text(max_size=8),
            st.sampled_from(["-", "--"]),
            st.booleans(),
        )
    )
)
def test_what_is_written_is_read(given_flags: list[tuple[str, str, str, bool]]) -> None:
    """Every way of writing a flag gives its name and its value."""
    arguments: list[str] = []
    for name, value, dashes, equals in given_flags:
        together = equals or name in BOOLEAN_FLAGS
        arguments += [f"{dashes}{name}={value}"] if together else [f"{dashes}{name}", value]
    found = parse_flags(arguments)
    assert [(flag.name, flag.value) for flag in found] == [(n, v) for n, v, _, _ in given_flags]
