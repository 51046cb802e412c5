"""Destinations as operators write them."""

import pytest

from requorum.clients.hosts.ssh.destination import Destination
from requorum.errors import UsageError


@pytest.mark.parametrize(
    ("text", "parsed", "typed"),
    [
        ("etcd1", Destination("etcd1"), "etcd1"),
        ("root@10.0.0.31", Destination("10.0.0.31", "root"), "root@10.0.0.31"),
        ("ops@etcd1:2222", Destination("etcd1", "ops", 2222), "-p 2222 ops@etcd1"),
        ("[2001:db8::1]:22", Destination("2001:db8::1", None, 22), "-p 22 2001:db8::1"),
        ("2001:db8::1", Destination("2001:db8::1"), "2001:db8::1"),
        ("root@fe80::1%eth0", Destination("fe80::1%eth0", "root"), "root@fe80::1%eth0"),
    ],
)
def test_parse(text: str, parsed: Destination, typed: str) -> None:
    """What is left out is left to the ssh config; it is shown as it was written."""
    assert Destination.parse(text) == parsed
    assert Destination.parse(str(parsed)) == parsed
    assert parsed.as_ssh_arguments() == typed


@pytest.mark.parametrize(
    "text",
    ["", "-oProxyCommand=x", "a b", "a@b@c", "host:0", "host:65536", "host:ssh", "@host", "host:"],
)
def test_what_is_none(text: str) -> None:
    """An option in disguise among them."""
    with pytest.raises(UsageError):
        Destination.parse(text)
