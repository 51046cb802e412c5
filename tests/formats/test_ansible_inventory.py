"""Ansible inventories: `ansible-inventory --list`, YAML, and what is neither."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requorum.errors import DamagedInput
from requorum.formats.ansible_inventory import parse_inventory

YAML = """\
all:
  vars: {ansible_user: ubuntu, secret: !vault "x", rendered: "{{ ansible_user }}"}
  hosts:
    n1: {ip: 10.0.0.31, ansible_port: 2222}
    n2:
  children:
    control:
      children:
        etcd:
          vars: {ansible_user: core}
          hosts: {n1: , n2: {ansible_user: root}}
"""


def test_a_yaml_inventory() -> None:
    """Hosts belong to the groups above, the nearest variable counts, numbers are texts."""
    found = parse_inventory(YAML)
    assert found.groups == {"all": ("n1", "n2"), "control": ("n1", "n2"), "etcd": ("n1", "n2")}
    assert found.variables["n1"]["ansible_port"] == "2222"
    assert found.variables["n2"]["ansible_user"] == "root"
    assert "rendered" not in found.variables["n1"]


def test_a_list_as_ansible_prints_it() -> None:
    """A group of groups has the hosts of all of them; a group that holds itself ends."""
    found = parse_inventory(
        json.dumps(
            {
                "_meta": {"hostvars": {"b": {"ip": "10.0.0.2", "facts": {"x": 1}, "port": 22}}},
                "all": {"children": ["etcd", "ungrouped"]},
                "etcd": {"hosts": ["a"], "children": ["more"]},
                "more": {"hosts": ["b"], "children": ["etcd"]},
            }
        )
    )
    assert found.groups["etcd"] == ("a", "b")
    assert found.groups["all"] == ("a", "b")
    assert found.variables == {"b": {"ip": "10.0.0.2", "port": "22"}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[etcd]\nnode1 ansible_host=10.0.0.1\n", "INI"),
        ("[etcd:children]\nmasters\n", "INI"),
        ("node1 ansible_host=10.0.0.1\n", "no inventory"),
        ("a: [", "neither JSON nor YAML"),
        ("", "no inventory"),
        ("[1, 2]", "no inventory"),
        ("cluster: prod\nmembers: []\n", "no inventory"),
    ],
)
def test_what_is_none_is_said_to_be_none(text: str, said: str) -> None:
    """The hint names the command that prints one."""
    with pytest.raises(DamagedInput, match=said):
        parse_inventory(text)


def test_groups_without_an_end() -> None:
    """Aliases that make a small file large are refused, not followed."""
    lines = ["g0: &g0 {hosts: {h: }}"]
    lines += [
        f"g{n}: &g{n} {{children: {{{', '.join(f'c{k}: *g{n - 1}' for k in range(9))}}}}}"
        for n in range(1, 9)
    ]
    with pytest.raises(DamagedInput, match="without an end"):
        parse_inventory("\n".join(lines))


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but DamagedInput comes out of bad input."""
    try:
        parse_inventory(text)
    except DamagedInput:
        return
