"""Other users: becoming root with the real sudo, and logins that do not let us."""

import pytest
from on_this_machine import Reach
from private_users import PrivateUsers

from requorum.clients.hosts.ssh import remote_shell
from requorum.errors import DeadlineExceeded, NotPermitted


async def test_everything_is_done_as_root(users: PrivateUsers, reach: Reach) -> None:
    """Commands, files and reads; and nothing is, where nobody asked for it."""
    root = reach(users.sshd, users.settings("ops", become="sudo"))
    assert (await root.run(("id", "-un"), deadline=30)).stdout == "root\n"
    async with root.open("/etc/shadow") as source:
        assert source.size > 0
    plain = reach(users.sshd, users.settings("ops"))
    assert (await plain.run(("id", "-un"), deadline=30)).stdout == "ops\n"
    with pytest.raises(NotPermitted, match="/etc/shadow: permission denied"):
        async with plain.open("/etc/shadow"):
            pytest.fail("it was opened")
    with pytest.raises(NotPermitted, match="/etc/shadow: permission denied"):
        await plain.in_use("/etc/shadow")
    with pytest.raises(NotPermitted, match="/etc/x: permission denied"):
        await plain.write_new("/etc/x", b"1")


@pytest.mark.parametrize("user", ["asked", "plain"])
async def test_a_sudo_that_does_not_let_us(users: PrivateUsers, reach: Reach, user: str) -> None:
    """Nobody is there to type a password; the hint is what must work."""
    host = reach(users.sshd, users.settings(user, become="sudo"))
    for call in (
        lambda: host.stat("/"),
        lambda: host.run(("true",), deadline=30),
        lambda: host.write_new("/nowhere", b"1"),
        lambda: host.rename("/nowhere", "/elsewhere"),
    ):
        with pytest.raises(NotPermitted, match=r"not let us: .*password") as caught:
            await call()
        assert "NOPASSWD" in str(caught.value.hint)


async def test_no_login_shell(users: PrivateUsers, reach: Reach) -> None:
    """What it says is told."""
    host = reach(users.sshd, users.settings("nologin"))
    with pytest.raises(NotPermitted, match=r"does not run commands for us: .*not available"):
        await host.stat("/")


async def test_a_login_that_hangs(
    users: PrivateUsers, reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a dead network mount: sshd itself answers all the while."""
    monkeypatch.setattr(remote_shell, "_START_SECONDS", 2.0)
    host = reach(users.sshd, users.settings("stuck"))
    for call in (
        lambda: host.stat("/"),
        lambda: host.run(("true",), deadline=600),
        lambda: host.rename("/nowhere", "/elsewhere"),
    ):
        with pytest.raises(DeadlineExceeded, match="far ran no shell for us within 2 s"):
            await call()


async def test_a_greeting_does_no_harm(users: PrivateUsers, reach: Reach) -> None:
    """A .bashrc that prints breaks scp, not us."""
    host = reach(users.sshd, users.settings("ops"))
    done = await host.run(("echo", "mine"), deadline=30)
    assert (done.stdout, done.stderr) == ("mine\n", "")
    async with host.open("/etc/passwd") as source:
        assert source.size > 0
    async with host.read_stream("/etc/hostname") as chunks:
        assert b"Welcome" not in b"".join([chunk async for chunk in chunks])
