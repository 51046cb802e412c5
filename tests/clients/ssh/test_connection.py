"""Getting to a host, and what keeps us from it."""

import asyncio
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest
import sshd as servers
from eventually import eventually
from on_this_machine import Reach
from sshd import Sshd

from requorum.clients.hosts.ssh import connect, connection
from requorum.clients.hosts.ssh.destination import SshSettings
from requorum.clients.hosts.ssh.host import SshHost
from requorum.errors import Refused, Unreachable, UsageError


@pytest.fixture
def second_sshd(tmp_path: Path) -> Iterator[Sshd]:
    """Return one more."""
    sshd = servers.start(tmp_path / "second")
    yield sshd
    sshd.stop()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Return a port where somebody takes connections, and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        yield listener.getsockname()[1]


def logins(sshd: Sshd) -> int:
    """Return how many connections it let in so far."""
    return (sshd.directory / "sshd.log").read_text().count("Accepted publickey")


def far(destination: str, settings: SshSettings) -> SshHost:
    """Return a host somewhere else than an sshd of ours says."""
    return SshHost("far", destination, settings)


class TestHostKeys:
    """No byte is exchanged with a host that is not the one it claims to be."""

    async def test_an_unknown_key_is_refused(self, sshd: Sshd, reach: Reach) -> None:
        """With its fingerprint, and how to accept it."""
        key = asyncssh.read_public_key(sshd.directory / "host_key")
        (sshd.directory / "known_hosts").write_text("")
        with pytest.raises(Refused, match="is not in known_hosts") as caught:
            await reach(sshd).stat("/")
        assert key.get_fingerprint() in caught.value.message
        assert caught.value.exit_code == 3
        assert f"ssh -p {sshd.port} 127.0.0.1" in str(caught.value.hint)
        assert f"ssh-keyscan -p {sshd.port} 127.0.0.1" in str(caught.value.hint)
        assert logins(sshd) == 0

    async def test_a_changed_key_is_refused(self, sshd: Sshd, reach: Reach) -> None:
        """With both fingerprints: somebody may stand in between."""
        old = asyncssh.read_public_key(sshd.directory / "host_key").get_fingerprint()
        sshd.stop()
        servers.new_host_key(sshd)
        changed = servers.restart(sshd)
        new = asyncssh.read_public_key(sshd.directory / "host_key").get_fingerprint()
        try:
            with pytest.raises(Refused, match="has changed") as caught:
                await reach(changed).stat("/")
        finally:
            changed.stop()
        assert old in caught.value.message
        assert new in caught.value.message
        assert f"ssh-keygen -R '[127.0.0.1]:{sshd.port}'" in str(caught.value.hint)
        assert logins(sshd) == 0

    async def test_a_key_of_another_kind_is_refused(self, sshd: Sshd, reach: Reach) -> None:
        """The known one, of which it would have been asked first, is not shown any more."""
        sshd.stop()
        servers.new_host_key(sshd, "ecdsa-sha2-nistp256")
        changed = servers.restart(sshd)
        try:
            with pytest.raises(Refused, match="has changed: it shows ecdsa-sha2-nistp256"):
                await reach(changed).stat("/")
        finally:
            changed.stop()
        assert logins(sshd) == 0

    async def test_a_revoked_key_is_refused(self, sshd: Sshd, reach: Reach) -> None:
        """Though it is known too."""
        known = sshd.directory / "known_hosts"
        known.write_text(f"{known.read_text()}@revoked * {known.read_text().split(' ', 1)[1]}")
        with pytest.raises(Refused, match="revoked"):
            await reach(sshd).stat("/")
        assert logins(sshd) == 0

    async def test_no_config_turns_the_check_off(self, sshd: Sshd, reach: Reach) -> None:
        """What makes ssh accept any key, or ask, makes us refuse."""
        (sshd.directory / "ssh_config").write_text(
            "Host *\n User root\n StrictHostKeyChecking no\n UserKnownHostsFile none\n"
            " GlobalKnownHostsFile none\n"
        )
        with pytest.raises(Refused, match="is not in known_hosts"):
            await reach(sshd, sshd.settings(known_hosts=None)).stat("/")
        assert logins(sshd) == 0

    async def test_lines_that_say_nothing_do_no_harm(self, sshd: Sshd, reach: Reach) -> None:
        """As people's known_hosts have them; names may be hashed."""
        known = sshd.directory / "known_hosts"
        known.write_text(f"nonsense\n@what a b\n|1|x|y ssh-rsa AAAA\n\n# c\n{known.read_text()}")
        assert await reach(sshd).stat("/") is not None

    async def test_the_key_of_a_jump_host_is_checked_too(
        self, sshd: Sshd, second_sshd: Sshd, reach: Reach
    ) -> None:
        """Only the target's is known here."""
        settings = sshd.settings(jump=f"root@{second_sshd.destination}")
        with pytest.raises(Refused, match=f"127.0.0.1:{second_sshd.port} is not in known_hosts"):
            await reach(sshd, settings).stat("/")
        assert logins(second_sshd) == 0


class TestLogin:
    """Being let in."""

    async def test_a_wrong_key(self, sshd: Sshd, reach: Reach) -> None:
        """The hint is what to try by hand."""
        (sshd.directory / "authorized_keys").write_text("")
        with pytest.raises(Unreachable, match=r"does not let .* in: none of our keys") as caught:
            await reach(sshd).stat("/")
        assert caught.value.exit_code == 4
        assert f"ssh -o BatchMode=yes -p {sshd.port} 127.0.0.1 true" in str(caught.value.hint)

    async def test_a_key_with_a_passphrase_is_not_asked_for(self, sshd: Sshd, reach: Reach) -> None:
        """It belongs into the agent, and the hint says so."""
        change = ("ssh-keygen", "-q", "-p", "-N", "secret", "-f", f"{sshd.directory}/id")
        subprocess.run(change, check=True, timeout=60, stdout=subprocess.DEVNULL)  # noqa: ASYNC221
        with pytest.raises(Unreachable, match="none of our keys") as caught:
            await reach(sshd).stat("/")
        assert "ssh-add" in str(caught.value.hint)

    async def test_a_key_in_the_agent(
        self, sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where a passphrase belongs: the file is never opened by us."""
        socket_path = tmp_path / "agent"
        command = ("ssh-agent", "-D", "-a", str(socket_path))
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as agent:  # noqa: ASYNC220
            try:
                await eventually(socket_path.exists)
                monkeypatch.setenv("SSH_AUTH_SOCK", str(socket_path))
                key = sshd.directory / "id"
                subprocess.run(("ssh-add", "-q", str(key)), check=True, timeout=60)  # noqa: ASYNC221
                key.unlink()
                async with far(sshd.destination, sshd.settings(identity_files=())) as host:
                    assert await host.stat("/") is not None
            finally:
                agent.kill()

    async def test_what_is_no_key(self, sshd: Sshd, reach: Reach) -> None:
        """The user's file is wrong, not the host."""
        (sshd.directory / "id").write_text("nonsense")
        with pytest.raises(UsageError, match="the ssh settings for"):
            await reach(sshd).stat("/")

    async def test_an_alias_of_the_config(self, sshd: Sshd) -> None:
        """Everything that ssh needs may be said there."""
        directory = sshd.directory
        text = (
            f"Host etcd1\n HostName 127.0.0.1\n Port {sshd.port}\n"
            f" IdentityFile {directory}/id\n IdentityFile {directory}/missing\n"
            f" UserKnownHostsFile {directory}/known_hosts\n"
            f" SendEnv *\n RequestTTY yes\n RemoteCommand echo never\n ForwardX11Trusted yes\n"
        )
        (directory / "ssh_config").write_text((directory / "ssh_config").read_text() + text)
        settings = SshSettings(config=(str(directory / "ssh_config"),))
        async with far("etcd1", settings) as host:
            assert (await host.run(("echo", "here"), deadline=30)).stdout == "here\n"
            assert await host.list_dir(f"{directory}/none") is None

    async def test_nothing_of_our_environment_is_sent(
        self, sshd: Sshd, reach: Reach, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever the config says of SendEnv: a login of etcd's would be seen there."""
        monkeypatch.setenv("LC_SECRET", "mine")
        sshd.stop()
        with (sshd.directory / "sshd_config").open("a") as config:
            config.write("AcceptEnv *\n")
        accepting = servers.restart(sshd)
        with (sshd.directory / "ssh_config").open("a") as config:
            config.write("SendEnv LC_*\nSetEnv LC_OTHER=1\n")
        try:
            done = await reach(accepting).run(("env",), deadline=30)
        finally:
            accepting.stop()
        assert "LC_SECRET" not in done.stdout
        assert "LC_OTHER" not in done.stdout

    @pytest.mark.parametrize("way", ["setting", "config"])
    async def test_a_jump_host(self, sshd: Sshd, second_sshd: Sshd, way: str) -> None:
        """Both are logged in to, one through the other."""
        known = sshd.directory / "known_hosts"
        known.write_text(known.read_text() + (second_sshd.directory / "known_hosts").read_text())
        jump = f"root@{second_sshd.destination}"
        keys = tuple(str(each.directory / "id") for each in (sshd, second_sshd))
        if way == "config":
            with (sshd.directory / "ssh_config").open("a") as config:
                config.write(f"Host target\n HostName 127.0.0.1\n Port {sshd.port}\n")
                config.write(f" ProxyJump {jump}\n")
        settings = sshd.settings(identity_files=keys, jump=jump if way == "setting" else None)
        async with far("target" if way == "config" else sshd.destination, settings) as host:
            assert (await host.run(("echo", "here"), deadline=30)).stdout == "here\n"
            second_sshd.cut()
            with pytest.raises(Unreachable):
                await host.run(("echo", "here"), deadline=30)
            assert (await host.run(("echo", "again"), deadline=30)).stdout == "again\n"
        assert (logins(sshd), logins(second_sshd)) == (2, 2)


class TestReach:
    """Hosts that do not answer."""

    async def test_nobody_listens(self, sshd: Sshd, reach: Reach) -> None:
        """Refused at once."""
        sshd.stop()
        with pytest.raises(Unreachable, match=r"cannot be reached: .*refused") as caught:
            await reach(sshd).stat("/")
        assert f"ssh -p {sshd.port} 127.0.0.1" in str(caught.value.hint)

    async def test_nobody_speaks(
        self, silent_port: int, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One timeout for all questions, be they asked at once or one after the other."""
        monkeypatch.setattr(connect, "CONNECT_SECONDS", 1.0)
        begin = time.monotonic()
        async with far(f"127.0.0.1:{silent_port}", sshd.settings()) as host:
            found = await asyncio.gather(
                *(host.stat("/") for _ in range(10)), return_exceptions=True
            )
            for _ in range(10):
                with pytest.raises(Unreachable, match="it does not answer"):
                    await host.run(("true",), deadline=30)
        assert all(isinstance(each, Unreachable) for each in found)
        assert time.monotonic() - begin < 4

    async def test_a_name_that_is_none(self, sshd: Sshd) -> None:
        """No such host: RFC 2606 keeps the name free."""
        async with far("etcd1.invalid", sshd.settings()) as host:
            with pytest.raises(Unreachable, match="cannot be reached: its name is not known"):
                await host.stat("/")

    async def test_a_host_that_comes_back(
        self, sshd: Sshd, reach: Reach, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The failure is forgotten after a few seconds."""
        monkeypatch.setattr(connection, "_REMEMBER_FAILURE_SECONDS", 0.5)
        sshd.stop()
        host = reach(sshd)
        with pytest.raises(Unreachable):
            await host.stat("/")
        back = servers.restart(sshd)
        try:
            async with asyncio.timeout(30):
                while True:
                    try:
                        assert await host.stat("/") is not None
                        break
                    except Unreachable:
                        await asyncio.sleep(0.05)
        finally:
            back.stop()

    async def test_one_connection_for_all(self, sshd: Sshd, reach: Reach, tmp_path: Path) -> None:
        """However much is asked at once, and more than sshd takes sessions."""
        host = reach(sshd)
        (tmp_path / "f").write_bytes(b"x" * 100_000)

        async def read() -> int:
            async with host.open(f"{tmp_path}/f") as source:
                return len(await asyncio.to_thread(source.read, 0, 100_000))

        questions = [
            *(host.run(("sleep", "0.2"), deadline=60) for _ in range(12)),
            *(host.stat(str(tmp_path)) for _ in range(30)),
            *(read() for _ in range(10)),
            *(host.write_new(f"{tmp_path}/{number}", b"1") for number in range(12)),
        ]
        async with host.lock(f"{tmp_path}/lock", holder="me"):
            process = await host.spawn(("sleep", "60"), log=f"{tmp_path}/log")
            await asyncio.gather(*questions)
            await process.kill()
        assert logins(sshd) == 1

    async def test_hosts_may_be_used_in_one_loop_after_another(self, sshd: Sshd) -> None:
        """Doors call asyncio.run more than once."""
        host = SshHost("far", sshd.destination, sshd.settings())

        def use() -> None:
            async def ask() -> None:
                assert await host.stat("/") is not None
                assert (await host.run(("true",), deadline=30)).returncode == 0
                await host.close()

            asyncio.run(ask())

        for _ in range(2):
            await asyncio.to_thread(use)
        assert logins(sshd) == 2

    async def test_too_few_sessions(self, sshd: Sshd, reach: Reach) -> None:
        """The hint names the setting."""
        sshd.stop()
        with (sshd.directory / "sshd_config").open("a") as config:
            config.write("MaxSessions 1\n")
        limited = servers.restart(sshd)
        try:
            host = reach(limited)
            assert await host.stat("/") is not None
            with pytest.raises(Unreachable, match="opens no further channel") as caught:
                await host.run(("true",), deadline=30)
        finally:
            limited.stop()
        assert "MaxSessions" in str(caught.value.hint)
