"""What OpenSSH's client is given to trust; no host is needed."""

from test_etcd_settings import described

from requorum.lab.hosts.ssh_access import config_text, known_hosts_text

KEYS = {f"node{n}": f"ssh-ed25519 AAAA{n} root@node{n}\n" for n in (1, 2, 3)}


def test_a_host_is_known_by_name_and_address() -> None:
    """One line a host, without the comment of its key."""
    lines = known_hosts_text(described().hosts, KEYS).splitlines()
    assert lines[1] == "node2,10.231.7.12 ssh-ed25519 AAAA2"
    assert len(lines) == 3


def test_another_port_stands_in_brackets() -> None:
    """As sshd(8) has it, for every port but 22."""
    lines = known_hosts_text(described(ssh_port=2222).hosts, KEYS).splitlines()
    assert lines[0] == "[node1]:2222,[10.231.7.11]:2222 ssh-ed25519 AAAA1"


def test_the_config_trusts_nothing_else() -> None:
    """Keys of other hosts, other files, questions: none of them."""
    text = config_text(described(ssh_port=2222).hosts)
    for line in (
        "StrictHostKeyChecking yes",
        "GlobalKnownHostsFile /dev/null",
        "IdentitiesOnly yes",
        'UserKnownHostsFile "/somewhere/ssh/known_hosts"',
    ):
        assert f"  {line}\n" in text
    assert "Host node3\n  HostName 10.231.7.13\n  Port 2222\n" in text
