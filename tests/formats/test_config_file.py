"""etcd's configuration file."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from requorum.errors import DamagedInput
from requorum.formats.etcd_settings.config_file import changed_config_file, parse_config_file

FILE = """\
# This is the configuration file for the etcd server.

# Human-readable name for this member.
name: 'etcd1'

data-dir: /var/lib/etcd   # on its own disk
wal-dir:
snapshot-count: 10000
listen-peer-urls: "https://10.0.0.31:2380"
initial-cluster:
  etcd1=https://10.0.0.31:2380,etcd2=https://10.0.0.32:2380
initial-cluster-state: 'new'
strict-reconfig-check: false
enable-pprof: yes
cipher-suites: [
  TLS_A,
  TLS_B
]
client-transport-security:
  # Path to the client server TLS cert file.
  cert-file: /etc/etcd/server.pem
  key-file: ~
  client-cert-auth: true
peer-transport-security:
  client-cert-auth: True
  trusted-ca-file: /etc/etcd/ca.pem
  allowed-cn: [a]
# the end
"""


def read(text: str) -> dict[str, str]:
    """Return the flags that it stands for."""
    return {value.flag: value.value for value in parse_config_file(text)}


def test_a_file() -> None:
    """Keys by the flags that do the same, empty ones left out."""
    assert read(FILE) == {
        "name": "etcd1",
        "data-dir": "/var/lib/etcd",
        "snapshot-count": "10000",
        "listen-peer-urls": "https://10.0.0.31:2380",
        "initial-cluster": "etcd1=https://10.0.0.31:2380,etcd2=https://10.0.0.32:2380",
        "initial-cluster-state": "new",
        "strict-reconfig-check": "false",
        "enable-pprof": "true",
        "cert-file": "/etc/etcd/server.pem",
        "client-cert-auth": "true",
        "peer-client-cert-auth": "true",
        "peer-trusted-ca-file": "/etc/etcd/ca.pem",
    }
    lines = {value.flag: value.line for value in parse_config_file(FILE)}
    assert (lines["name"], lines["initial-cluster"], lines["peer-trusted-ca-file"]) == (4, 11, 26)


@pytest.mark.parametrize("text", ["", "# nothing\n", "~", "---\n"])
def test_an_empty_file(text: str) -> None:
    """It says nothing, so all is etcd's default."""
    assert read(text) == {}


def test_the_last_of_two_equal_keys() -> None:
    """Only the first document is read, and its last key of a name counts."""
    assert read("name: a\nname: b\n---\nname: c\n") == {"name": "b"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n", "line 1: it is no mapping"),
        ("name: a: b\n", "line 1: this is not YAML"),
        ("a: 1\nclient-transport-security: [a]\n", "line 2: client-transport-security is no map"),
        ("peer-transport-security:\n  cert-file: {}\n", "line 2: peer-cert-file is no single"),
        ("\0", "this is not YAML"),
        ("[" * 100_000, "nested too deeply"),
        ("a" * (1 << 21), "more than"),
    ],
)
def test_what_is_no_configuration(text: str, said: str) -> None:
    """The error names the line where there is one."""
    with pytest.raises(DamagedInput, match=said):
        parse_config_file(text)


def test_changed() -> None:
    """Values change where they stand; comments, order and layout stay."""
    changed = changed_config_file(
        FILE,
        {
            "initial-cluster": "etcd1=https://10.0.0.31:2380",
            "initial-cluster-state": "existing",
            "initial-cluster-token": "new token",
            "data-dir": "/srv/etcd",
            "wal-dir": "/wal",
        },
    )
    assert changed == (
        FILE.replace(
            "\n  etcd1=https://10.0.0.31:2380,etcd2=https://10.0.0.32:2380",
            '\n  "etcd1=https://10.0.0.31:2380"',
        )
        .replace("'new'", '"existing"')
        .replace("/var/lib/etcd ", '"/srv/etcd" ')
        .replace("wal-dir:\n", 'wal-dir: "/wal"\n')
        + 'initial-cluster-token: "new token"\n'
    )


def test_what_has_its_value_stays() -> None:
    """No character changes where nothing has to."""
    assert changed_config_file(FILE, {"name": "etcd1", "snapshot-count": "10000"}) == FILE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 'name: "b"\n'),
        ("# only a comment", '# only a comment\nname: "b"\n'),
        ("data-dir: /d", 'data-dir: /d\nname: "b"\n'),
        ("  data-dir: /d\n", '  data-dir: /d\n  name: "b"\n'),
        ("---\ndata-dir: /d\n...\n", '---\ndata-dir: /d\nname: "b"\n...\n'),
        ("name: |\n  a\ndata-dir: /d\n", 'name: "b"\ndata-dir: /d\n'),
        ("name: >-\n  a\n", 'name: "b"\n'),
        ('"name" : a # x\n', '"name" : "b" # x\n'),
    ],
)
def test_layouts(text: str, expected: str) -> None:
    """Whatever the layout, the change is read back as asked."""
    assert changed_config_file(text, {"name": "b"}) == expected
    assert read(expected)["name"] == "b"


@pytest.mark.parametrize(
    "text",
    [
        "{name: a, data-dir: /d}\n",
        "other: &x a\nname: *x\n",
        "name: &x a\nother: *x\n",
    ],
)
def test_what_cannot_be_changed_by_lines(text: str) -> None:
    """A change that would mean something else, too, is not made."""
    with pytest.raises(DamagedInput):
        changed_config_file(text, {"name": "b"})


@given(
    st.dictionaries(
        st.sampled_from(["name", "data-dir", "initial-cluster", "wal-dir"]),
        st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=9),
    ),
    st.sampled_from(["", "'", '"', "|"]),
    st.dictionaries(
        st.sampled_from(["name", "initial-cluster", "initial-cluster-token"]),
        st.text(st.characters(codec="ascii", blacklist_categories=["Cc"]), min_size=1, max_size=9),
        min_size=1,
    ),
)
def test_what_is_written_is_read(
    before: dict[str, str], style: str, values: dict[str, str]
) -> None:
    """In every style of scalar that a YAML writer has."""
    text = yaml.safe_dump(before, default_style=style or None) if before else ""
    kept = read(text)
    assert read(changed_config_file(text, values)) == kept | values
