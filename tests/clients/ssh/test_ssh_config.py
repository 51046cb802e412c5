"""What the user's ssh config says, as ssh itself would read it."""

from pathlib import Path

import pytest

from requorum.clients.hosts.ssh.destination import Destination, SshSettings
from requorum.clients.hosts.ssh.ssh_config import Hop, way_to
from requorum.errors import UsageError


def way(tmp_path: Path, text: str, destination: str, **settings: object) -> tuple[Hop, ...]:
    """Return the way to a destination under a config."""
    config = tmp_path / "config"
    config.write_text(text)
    settings = {"config": (str(config),), **settings}
    return way_to(Destination.parse(destination), SshSettings(**settings))  # type: ignore[arg-type]


def stations(hops: tuple[Hop, ...]) -> list[str]:
    """Return where they lead, in order."""
    return [str(hop.destination) for hop in hops]


def test_no_jump(tmp_path: Path) -> None:
    """One hop, with the user and the port that the settings give to all."""
    assert stations(way(tmp_path, "", "etcd1")) == ["etcd1"]
    given = way(tmp_path, "", "etcd1", user="root", port=2222)
    assert stations(given) == ["root@etcd1:2222"]
    own = way(tmp_path, "", "ops@etcd1:23", user="root", port=2222)
    assert stations(own) == ["ops@etcd1:23"]


def test_jumps_of_the_config(tmp_path: Path) -> None:
    """The first one is reached as its own config says, each next one through it."""
    text = (
        "Host etcd*\n ProxyJump ops@bastion:2222,inner\nHost bastion\n ProxyJump gate\n"
        "Host inner\n ProxyJump elsewhere\n"
    )
    found = way(tmp_path, text, "etcd1", user="root")
    assert stations(found) == ["gate", "ops@bastion:2222", "inner", "root@etcd1"]


def test_our_setting_comes_first(tmp_path: Path) -> None:
    """Before that of the config; `none` means no jump at all."""
    text = "Host etcd1\n ProxyJump bastion\n"
    assert stations(way(tmp_path, text, "etcd1", jump="other:23")) == ["other:23", "etcd1"]
    assert stations(way(tmp_path, text, "etcd1", jump="none")) == ["etcd1"]
    assert stations(way(tmp_path, f"{text}Host *\n ProxyJump none\n", "etcd2")) == ["etcd2"]


def test_a_jump_host_that_jumps_through_itself(tmp_path: Path) -> None:
    """`Host *` has caught more than one; ssh refuses it too."""
    with pytest.raises(UsageError, match="the way to etcd1 leads through bastion twice"):
        way(tmp_path, "Host *\n ProxyJump bastion\n", "etcd1")


def test_files(tmp_path: Path) -> None:
    """Keys and lists of known hosts are those of the config, unless we are told others."""
    (tmp_path / "id").touch()
    text = (
        f"Host etcd1\n IdentityFile {tmp_path}/id\n IdentityFile {tmp_path}/none\n"
        f" UserKnownHostsFile {tmp_path}/a {tmp_path}/b\n GlobalKnownHostsFile /etc/c\n"
    )
    (hop,) = way(tmp_path, text, "etcd1")
    # A key that is missing is none, as with ssh.
    assert hop.identity_files == (f"{tmp_path}/id",)
    assert hop.known_hosts == (f"{tmp_path}/a", f"{tmp_path}/b", "/etc/c")
    (own,) = way(tmp_path, text, "etcd1", known_hosts="/k", identity_files=(f"{tmp_path}/config",))
    assert (own.known_hosts, own.identity_files) == (("/k",), (f"{tmp_path}/config",))
    (default,) = way(tmp_path, text, "etcd2")
    assert [Path(file).name for file in default.known_hosts] == [
        "known_hosts",
        "known_hosts2",
        "ssh_known_hosts",
        "ssh_known_hosts2",
    ]


@pytest.mark.parametrize("text", ["Port twenty\n", 'Host "a\n', "Match nonsense\n"])
def test_a_config_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    """The error names its line."""
    with pytest.raises(UsageError, match=r"the ssh config cannot be read: .*config line 1"):
        way(tmp_path, text, "etcd1")
