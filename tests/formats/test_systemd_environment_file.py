"""Environment files. Random ones are held against systemd in test_systemd_library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.errors import DamagedInput
from requorum.formats.systemd.environment_file import (
    SIZE_MAX,
    changed_environment_file,
    parse_environment_file,
    that_count,
)

FILE = r"""# Environment file for etcd v3.5.16
ETCD_DATA_DIR=/var/lib/etcd
 ETCD_NAME = "etcd 1"
; comment
ETCD_INITIAL_CLUSTER=etcd1=https://10.0.0.31:2380,\
etcd2=https://10.0.0.32:2380
export ETCD_NO=1
QUOTED='a "b" \n'"c\$d\e"
EMPTY=
ETCD_NAME=etcd2 # no comment
"""

VALUES = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"], whitelist_characters="\n\t"), max_size=12
)


def meaning(text: str) -> dict[str, str]:
    """Return the variables."""
    return {name: v.value for name, v in that_count(parse_environment_file(text)).items()}


def test_a_file() -> None:
    """Comments, quotes, continued lines, a name that is none, the last assignment."""
    assert meaning(FILE) == {
        "ETCD_DATA_DIR": "/var/lib/etcd",
        "ETCD_INITIAL_CLUSTER": "etcd1=https://10.0.0.31:2380,etcd2=https://10.0.0.32:2380",
        "QUOTED": 'a "b" \\nc$d\\e',
        "EMPTY": "",
        "ETCD_NAME": "etcd2 # no comment",
    }
    assert [(v.name, v.line) for v in parse_environment_file(FILE)] == [
        ("ETCD_DATA_DIR", 2),
        ("ETCD_NAME", 3),
        ("ETCD_INITIAL_CLUSTER", 5),
        ("QUOTED", 8),
        ("EMPTY", 9),
        ("ETCD_NAME", 10),
    ]


def test_a_comment_that_ends_in_a_backslash() -> None:
    """Up to 253 it goes on, from 254 on it does not."""
    text = "# comment \\\nA=1\nB=2\n"
    assert [v.name for v in parse_environment_file(text)] == ["A", "B"]
    assert [v.name for v in parse_environment_file(text, comments_go_on=True)] == ["B"]


@pytest.mark.parametrize("text", ["a\0b", "A" * (SIZE_MAX + 1)])
def test_what_is_no_environment_file(text: str) -> None:
    """A binary file or a huge one is an error, not a wait."""
    with pytest.raises(DamagedInput):
        parse_environment_file(text)


def test_changed() -> None:
    """The last assignment of a name is changed, the rest of the file stays byte for byte."""
    changed = changed_environment_file(
        FILE,
        {
            "ETCD_NAME": "etcd2",
            "ETCD_INITIAL_CLUSTER": "etcd1=https://10.0.0.31:2380",
            "ETCD_INITIAL_CLUSTER_STATE": "existing",
            "EMPTY": "",
        },
    )
    assert changed == (
        FILE.replace(
            "ETCD_INITIAL_CLUSTER=etcd1=https://10.0.0.31:2380,\\\netcd2=https://10.0.0.32:2380",
            "ETCD_INITIAL_CLUSTER=etcd1=https://10.0.0.31:2380",
        ).replace("ETCD_NAME=etcd2 # no comment", "ETCD_NAME=etcd2")
        + "ETCD_INITIAL_CLUSTER_STATE=existing\n"
    )


def test_changed_without_a_last_newline() -> None:
    """A new line does not grow out of the last one."""
    assert changed_environment_file("A=1", {"B": "2"}) == "A=1\nB=2\n"
    assert changed_environment_file("", {"B": "2 3"}) == 'B="2 3"\n'


def test_a_comment_in_the_way() -> None:
    """Where the next line belongs to a comment for some systemd, nothing is written."""
    with pytest.raises(DamagedInput, match="one by one"):
        changed_environment_file("A=1\n# x \\\n", {"B": "2"})


@given(
    st.dictionaries(st.sampled_from(["A", "B", "ETCD_NAME"]), VALUES),
    st.dictionaries(st.sampled_from(["A", "C"]), VALUES, min_size=1),
)
def test_what_is_written_is_read(before: dict[str, str], values: dict[str, str]) -> None:
    """Any value can be set in a file that we wrote, and every other one stays."""
    text = "# head\n\n" + changed_environment_file("", before)
    changed = changed_environment_file(text, values)
    assert meaning(changed) == before | values
    assert changed.startswith("# head\n\n")
