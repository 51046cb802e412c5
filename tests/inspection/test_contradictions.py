"""What the cluster file says of a member against what the member runs with."""

from dataclasses import replace

import pytest

from requorum.domain.cluster import MemberSpec, SystemdService
from requorum.domain.member_settings import Means, Medium, MemberSettings, Place
from requorum.inspection.contradictions import Contradiction, contradictions
from requorum.inspection.member_settings import Command, Given, member_settings

SPEC = MemberSpec(
    name="etcd1",
    host="root@10.0.0.31",
    peer_url="https://10.0.0.31:2380",
    client_url="https://10.0.0.31:2379",
    data_dir="/var/lib/etcd",
    service=SystemdService(unit="etcd.service"),
)


def settings_of(**variables: str) -> MemberSettings:
    """Return what a member runs with by these variables, each on a line of its own."""
    texts = {
        "NAME": "etcd1",
        "DATA_DIR": "/var/lib/etcd/",
        "INITIAL_ADVERTISE_PEER_URLS": "https://10.0.0.31:2380",
    } | variables
    given = {
        f"ETCD_{name}": Given(
            text, Place(Medium.ENVIRONMENT_FILE, Means.VARIABLE, "/etc/etcd.env", line)
        )
        for line, (name, text) in enumerate(texts.items(), start=1)
        if text
    }
    command = Command(binary="/usr/bin/etcd", arguments=(), variables=given, working_directory="/")
    return member_settings(command, None)


def test_what_agrees_is_not_told() -> None:
    """A slash at the end is no difference; one of several peer URLs is enough."""
    assert contradictions(SPEC, settings_of()) == ()
    two = "https://10.0.0.31:2380,https://192.168.0.31:2380"
    assert contradictions(SPEC, settings_of(INITIAL_ADVERTISE_PEER_URLS=two)) == ()


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("NAME", "node1", Contradiction("name", "etcd1", "node1", "/etc/etcd.env:1")),
        ("NAME", "", Contradiction("name", "etcd1", "default", "etcd's default")),
        (
            "DATA_DIR",
            "/srv/etcd",
            Contradiction("data_dir", "/var/lib/etcd", "/srv/etcd", "/etc/etcd.env:2"),
        ),
        ("WAL_DIR", "/srv/wal", Contradiction("wal_dir", None, "/srv/wal", "/etc/etcd.env:4")),
        (
            "INITIAL_ADVERTISE_PEER_URLS",
            "https://10.0.0.99:2380",
            Contradiction(
                "peer_url", "https://10.0.0.31:2380", "https://10.0.0.99:2380", "/etc/etcd.env:3"
            ),
        ),
    ],
)
def test_each_difference_has_both_values_and_a_place(
    variable: str, value: str, expected: Contradiction
) -> None:
    """And nothing else is told."""
    assert contradictions(SPEC, settings_of(**{variable: value})) == (expected,)


def test_a_wal_dir_that_the_member_does_not_have() -> None:
    """The sentence says both sides in words."""
    spec = replace(SPEC, wal_dir="/srv/wal")
    (found,) = contradictions(spec, settings_of())
    assert str(found) == (
        "the cluster file says wal_dir: /srv/wal, the member runs without one (etcd's default)"
    )
