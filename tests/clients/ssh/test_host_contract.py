"""What every host promises to the floors above, whatever it is reached by.

Every kind of host is this machine, so that a test can look at what was done with its own eyes.
"""
# ruff: noqa: ASYNC240 - a test may block, and looks at the files itself

import asyncio
import fcntl
import os
import signal
import socket
import stat
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from eventually import eventually
from on_this_machine import alive, chunks_of, digest_of, pid_in

from requorum.errors import (
    DamagedInput,
    DeadlineExceeded,
    Locked,
    NotEnoughSpace,
    Refused,
    RequorumError,
)
from requorum.ports.host import Host

ODD_NAMES = [
    "with blank",
    "-leading-dash",
    "quote'and\"quote",
    "dollar$HOME`id`",
    "back\\slash",
    "new\nline",
    "tab\tand*?[a]",
    "umlaut-\u00fc",
    "%s %d",
    "-n",
]


async def whole(host: Host, path: str) -> bytes:
    """Read a file as a stream."""
    async with host.read_stream(path) as chunks:
        return b"".join([chunk async for chunk in chunks])


class TestRun:
    """Commands."""

    async def test_everything_is_told(self, host: Host) -> None:
        """Exit status and both outputs; bytes that are no UTF-8 are replaced."""
        argv = ("sh", "-c", "printf 'a\\377'; printf b >&2; exit 3")
        done = await host.run(argv, deadline=30)
        assert (done.argv, done.returncode, done.stdout, done.stderr) == (argv, 3, "a\ufffd", "b")

    @pytest.mark.parametrize("word", ["", *ODD_NAMES, "a\n\nb\n", "#", "~", "!!", "\x01"])
    async def test_arguments_arrive_as_they_are(self, host: Host, word: str) -> None:
        """No shell sees them."""
        done = await host.run(("printf", "%s|", word, word), deadline=30)
        assert (done.returncode, done.stdout) == (0, f"{word}|{word}|")

    async def test_environment_is_added(self, host: Host) -> None:
        """With values of any kind; the host's own stays."""
        argv = ("sh", "-c", 'printf %s "$ADDED$PATH"')
        done = await host.run(argv, deadline=30, env={"ADDED": "a 'b'\n$c=", "OTHER": ""})
        assert done.stdout.startswith("a 'b'\n$c=")
        assert "/bin" in done.stdout

    async def test_there_is_no_stdin(self, host: Host) -> None:
        """A command that asks gets an end of file, it does not wait."""
        assert (await host.run(("cat",), deadline=30)).returncode == 0

    async def test_large_output(self, host: Host) -> None:
        """More than a pipe or a channel holds, on both."""
        script = "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2"
        done = await host.run(("sh", "-c", script), deadline=60)
        assert (len(done.stdout), len(done.stderr)) == (3_000_000, 3_000_000)

    async def test_a_signal_is_a_negative_status(self, host: Host) -> None:
        """As subprocess tells it."""
        done = await host.run(("sh", "-c", "kill -9 $$"), deadline=30)
        assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")

    async def test_interrupts_are_not_ignored(self, host: Host) -> None:
        """A daemon that is started must be one that can be stopped.

        What runs in a shell's background ignores them; the command line takes them back, as here.
        """
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            done = await host.run(("sh", "-c", "kill -INT $$; echo survived"), deadline=30)
        finally:
            signal.signal(signal.SIGINT, before)
        assert (done.returncode, done.stdout) == (-signal.SIGINT, "")

    @pytest.mark.parametrize("dies_with_us", [False, True])
    async def test_deadline_kills_the_whole_group(
        self, host: Host, tmp_path: Path, *, dies_with_us: bool
    ) -> None:
        """The children of a command that hangs end with it."""
        pid_file = tmp_path / "pid"
        argv = ("sh", "-c", f"sleep 600 & echo $! > {pid_file}; wait")
        with pytest.raises(DeadlineExceeded, match=r"`sh -c .*` did not end within 1 s"):
            await host.run(argv, deadline=1, dies_with_us=dies_with_us)
        pid = await pid_in(pid_file)
        await eventually(lambda: not alive(pid))

    async def test_cancellation_kills_the_whole_group(self, host: Host, tmp_path: Path) -> None:
        """A cancelled call leaves nothing behind."""
        pid_file = tmp_path / "pid"
        argv = ("sh", "-c", f"sleep 600 & echo $! > {pid_file}; wait")
        task = asyncio.create_task(host.run(argv, deadline=600))
        pid = await pid_in(pid_file)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await eventually(lambda: not alive(pid))

    @pytest.mark.parametrize("dies_with_us", [False, True])
    async def test_a_daemon_is_not_waited_for(
        self, host: Host, tmp_path: Path, *, dies_with_us: bool
    ) -> None:
        """One that keeps stdout and stderr neither blocks the call nor dies of its end."""
        pid_file, written = tmp_path / "pid", tmp_path / "written"
        daemon = f"sleep 0.5; echo late; echo late >&2; echo done > {written}; exec sleep 600"
        argv = ("sh", "-c", f"setsid sh -c '{daemon}' & echo $! > {pid_file}; echo started")
        done = await host.run(argv, deadline=30, dies_with_us=dies_with_us)
        assert (done.returncode, done.stdout) == (0, "started\n")
        pid = await pid_in(pid_file)
        await eventually(written.exists)
        assert alive(pid)
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: not alive(pid))

    @pytest.mark.parametrize("program", ["no-such-program", "/no/such/program", "/etc/passwd"])
    async def test_no_such_program(self, host: Host, program: str, tmp_path: Path) -> None:
        """The error names what was to be run, for both ways to start it."""
        with pytest.raises(RequorumError, match=f"{program} is not a program"):
            await host.run((program,), deadline=30)
        with pytest.raises(RequorumError, match=f"{program} is not a program"):
            await host.spawn((program,), log=f"{tmp_path}/log")

    async def test_a_status_of_127_is_not_a_missing_program(self, host: Host) -> None:
        """A shell that does not find something is a command that ended."""
        done = await host.run(("sh", "-c", "no-such-program"), deadline=30)
        assert done.returncode == 127


class TestSpawn:
    """Processes in the background."""

    async def test_it_runs_until_it_is_killed(self, host: Host, tmp_path: Path) -> None:
        """Its output is appended to the log; killing twice is no error."""
        log = tmp_path / "a log"
        log.write_text("before\n")
        argv = ("sh", "-c", "echo $ADDED; echo err >&2; exec sleep 600")
        process = await host.spawn(argv, log=str(log), env={"ADDED": "x y"})
        await eventually(lambda: log.read_text() == "before\nx y\nerr\n")
        assert alive(process.pid)
        assert await process.returncode() is None
        for _ in range(2):
            await process.kill()
            assert await process.returncode() == -signal.SIGKILL
        assert not alive(process.pid)

    async def test_its_children_end_with_it(self, host: Host, tmp_path: Path) -> None:
        """A wrapper script's own etcd ends with it."""
        pid_file = tmp_path / "pid"
        argv = ("sh", "-c", f"sleep 600 & echo $! > {pid_file}; wait")
        process = await host.spawn(argv, log=f"{tmp_path}/log")
        pid = await pid_in(pid_file)
        await process.kill()
        await eventually(lambda: not alive(pid))

    async def test_it_may_end_by_itself(self, host: Host, tmp_path: Path) -> None:
        """Its exit status is told, and a kill that comes too late changes nothing."""
        process = await host.spawn(("sh", "-c", "exit 5"), log=f"{tmp_path}/log")
        async with asyncio.timeout(20):
            while await process.returncode() is None:  # noqa: ASYNC110 - it is asked for
                await asyncio.sleep(0.01)
        await process.kill()
        assert await process.returncode() == 5

    async def test_it_gets_no_flags_of_etcd(self, host: Host, tmp_path: Path) -> None:
        """A login that reads the member's environment file must not configure another etcd."""
        log = tmp_path / "log"
        argv = ("sh", "-c", "env; echo end")
        process = await host.spawn(argv, log=str(log), env={"ETCD_GIVEN": "1"})
        await eventually(lambda: log.read_text().endswith("end\n"))
        names = {line.partition("=")[0] for line in log.read_text().splitlines()}
        assert {name for name in names if name.startswith("ETCD_")} == {"ETCD_GIVEN"}
        await process.kill()

    async def test_log_that_cannot_be_written(self, host: Host, tmp_path: Path) -> None:
        """The error names it."""
        with pytest.raises(RequorumError, match=f"{tmp_path}/none/log: no such file"):
            await host.spawn(("true",), log=f"{tmp_path}/none/log")
        with pytest.raises(RequorumError, match=f"{tmp_path}: is a directory"):
            await host.spawn(("true",), log=str(tmp_path))

    async def test_free_ports(self, host: Host) -> None:
        """They differ, and one can listen there."""
        ports = await host.free_ports(3)
        assert len(set(ports)) == 3
        for port in ports:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))


class TestLook:
    """Looking at files."""

    async def test_stat(self, host: Host, tmp_path: Path) -> None:
        """A file, a directory, something else, a link's target, and nothing."""
        file = tmp_path / "f"
        file.write_bytes(b"123")
        file.chmod(0o640)
        found = await host.stat(str(file))
        assert found is not None
        assert (found.kind, found.size, found.mode) == ("file", 3, 0o640)
        assert (found.uid, found.gid) == (os.getuid(), os.getgid())
        assert found.mtime_ns == file.stat().st_mtime_ns
        (tmp_path / "link").symlink_to(file)
        assert await host.stat(f"{tmp_path}/link") == found
        os.mkfifo(tmp_path / "fifo")
        kinds = [await host.stat(f"{tmp_path}/{name}") for name in ("", "fifo")]
        assert [each and each.kind for each in kinds] == ["dir", "other"]
        for nothing in (f"{tmp_path}/none", f"{file}/below"):
            assert await host.stat(nothing) is None

    async def test_times_are_exact(self, host: Host, tmp_path: Path) -> None:
        """A plan rests on them: to the nanosecond."""
        for time in (0, 1_234_567_890_123_456_789, 999_999_999):
            (tmp_path / "f").touch()
            os.utime(tmp_path / "f", ns=(time, time))
            found = await host.stat(f"{tmp_path}/f")
            assert found is not None
            assert found.mtime_ns == time

    async def test_mount_points_are_known(self, host: Host, tmp_path: Path) -> None:
        """A rename of one would fail; a link to one leads there."""
        (tmp_path / "link").symlink_to("/proc")
        found = [await host.stat(each) for each in ("/proc", f"{tmp_path}/link", str(tmp_path))]
        assert [each and each.is_mount_point for each in found] == [True, True, False]

    async def test_list_dir(self, host: Host, tmp_path: Path) -> None:
        """Sorted names; None where nothing is; an error that names the path for a file."""
        for name in ("b", "a", "C", ".hidden"):
            (tmp_path / name).touch()
        assert await host.list_dir(str(tmp_path)) == (".hidden", "C", "a", "b")
        assert await host.list_dir(f"{tmp_path}/none") is None
        (tmp_path / "dir").mkdir()
        (tmp_path / "link").symlink_to("dir")
        assert await host.list_dir(f"{tmp_path}/link") == ()
        with pytest.raises(RequorumError, match=f"{tmp_path}/a: not a directory"):
            await host.list_dir(f"{tmp_path}/a")

    async def test_real_path(self, host: Host, tmp_path: Path) -> None:
        """Every link is followed; what does not exist stays as it is."""
        (tmp_path / "dir").mkdir()
        (tmp_path / "link").symlink_to("dir")
        real = Path(os.path.realpath(tmp_path))
        assert await host.real_path(f"{tmp_path}/link/none/x") == f"{real}/dir/none/x"
        assert await host.real_path(f"{tmp_path}/none/../link") == f"{real}/dir"

    async def test_disk(self, host: Host, tmp_path: Path) -> None:
        """The nearest existing parent is asked."""
        deep = await host.disk(f"{tmp_path}/not/yet")
        assert deep.filesystem == (await host.disk(str(tmp_path))).filesystem
        assert deep.filesystem != (await host.disk("/proc")).filesystem
        found = os.statvfs(tmp_path)
        assert abs(deep.free - found.f_bfree * found.f_frsize) < 1 << 30
        assert (await host.disk("/no-such-directory/below")).free > 0


class TestRead:
    """Reading files."""

    async def test_any_range(self, host: Host, tmp_path: Path) -> None:
        """Exactly the bytes that were asked for, as a read-only view."""
        data = os.urandom(3_000_000)
        (tmp_path / "f").write_bytes(data)
        ranges = [(0, 10), (3, 2), (3_000_000, 0), (0, 3_000_000), (1_048_575, 70_000), (16384, 1)]
        async with host.open(f"{tmp_path}/f") as source:
            assert source.size == 3_000_000
            for offset, length in ranges:
                view = await asyncio.to_thread(source.read, offset, length)
                assert bytes(view) == data[offset : offset + length]
                assert view.readonly

    @pytest.mark.parametrize("at", [(0, 11), (11, 0), (-1, 1), (5, -1), (1 << 62, 1)])
    async def test_outside_of_the_file(
        self, host: Host, tmp_path: Path, at: tuple[int, int]
    ) -> None:
        """A range that does not lie within the file is damage."""
        (tmp_path / "f").write_bytes(b"0123456789")
        async with host.open(f"{tmp_path}/f") as source:
            with pytest.raises(DamagedInput):
                await asyncio.to_thread(source.read, *at)

    async def test_views_outlive_the_source(self, host: Host, tmp_path: Path) -> None:
        """What was read stays; what was not cannot be any more."""
        (tmp_path / "f").write_bytes(b"0123456789")
        async with host.open(f"{tmp_path}/f") as source:
            view = await asyncio.to_thread(source.read, 2, 3)
        assert bytes(view) == b"234"
        with pytest.raises(ValueError, match="after it was closed"):
            await asyncio.to_thread(source.read, 0, 1)

    async def test_a_file_that_becomes_shorter(self, host: Host, tmp_path: Path) -> None:
        """As when etcd cuts a WAL segment while we read."""
        (tmp_path / "f").write_bytes(b"0" * 500_000)
        async with host.open(f"{tmp_path}/f") as source:
            os.truncate(tmp_path / "f", 4)
            with pytest.raises(DamagedInput, match="became shorter"):
                await asyncio.to_thread(source.read, 0, 400_000)

    async def test_a_renamed_file_is_read_on(self, host: Host, tmp_path: Path) -> None:
        """It is the file that was opened, not its name."""
        (tmp_path / "f").write_bytes(b"old" * 100_000)
        async with host.open(f"{tmp_path}/f") as source:
            (tmp_path / "f").rename(tmp_path / "aside")
            (tmp_path / "f").write_bytes(b"new" * 100_000)
            assert bytes(await asyncio.to_thread(source.read, 299_997, 3)) == b"old"

    async def test_what_is_no_file(self, host: Host, tmp_path: Path) -> None:
        """A directory and a fifo are refused at once, a missing file by its name."""
        os.mkfifo(tmp_path / "fifo")
        for name in ("", "fifo"):
            with pytest.raises(RequorumError, match="is not a regular file"):
                async with host.open(f"{tmp_path}/{name}"):
                    pytest.fail("it was opened")
        with pytest.raises(RequorumError, match=f"{tmp_path}/none: no such file"):
            async with host.open(f"{tmp_path}/none"):
                pytest.fail("it was opened")


class TestWrite:
    """Changing files."""

    @pytest.mark.parametrize("name", ODD_NAMES)
    async def test_odd_names(self, host: Host, tmp_path: Path, name: str) -> None:
        """The life of a file with a name that a shell would take for something else."""
        folder = tmp_path / name
        await host.make_dirs(f"{folder}/sub")
        await host.write_new(f"{folder}/{name}", b"0123456789")
        await host.write_at(f"{folder}/{name}", 4, b"__")
        await host.sync_tree(str(folder))
        assert await host.list_dir(str(folder)) == tuple(sorted((name, "sub")))
        found = await host.stat(f"{folder}/{name}")
        assert found is not None
        assert (found.kind, found.size) == ("file", 10)
        await host.chown_tree(str(folder), found.uid, found.gid)
        async with host.open(f"{folder}/{name}") as source:
            assert bytes(await asyncio.to_thread(source.read, 3, 4)) == b"3__6"
        assert not await host.in_use(f"{folder}/{name}")
        digest = await host.sha256(f"{folder}/{name}", deadline=30)
        assert digest == digest_of(b"0123__6789")
        assert await host.real_path(f"{folder}/{name}") == os.path.realpath(f"{folder}/{name}")
        assert (await host.disk(f"{folder}/{name}")).free > 0
        async with host.lock(f"{folder}/{name}.lock", holder=name):
            assert (folder / f"{name}.lock").read_text() == name
        await host.rename(str(folder), f"{folder} aside")
        assert Path(f"{folder} aside/{name}").read_bytes() == b"0123__6789"
        assert await host.stat(str(folder)) is None

    async def test_make_dirs(self, host: Host, tmp_path: Path) -> None:
        """All missing parents get the mode, existing ones keep theirs."""
        tmp_path.chmod(0o755)
        path = tmp_path / "a/b"
        for _ in range(2):
            await host.make_dirs(str(path))
        modes = [stat.S_IMODE(each.stat().st_mode) for each in (tmp_path, path.parent, path)]
        assert modes == [0o755, 0o700, 0o700]
        (tmp_path / "f").touch()
        with pytest.raises(RequorumError, match=f"{tmp_path}/f"):
            await host.make_dirs(f"{tmp_path}/f/g")

    async def test_rename(self, host: Host, tmp_path: Path) -> None:
        """A directory moves with all that is in it."""
        (tmp_path / "a").mkdir()
        (tmp_path / "a/f").write_bytes(b"1")
        await host.rename(f"{tmp_path}/a", f"{tmp_path}/b")
        assert (tmp_path / "b/f").read_bytes() == b"1"
        assert not (tmp_path / "a").exists()

    @pytest.mark.parametrize("target", ["file", "empty", "dangling"])
    @pytest.mark.parametrize("source", ["source", "folder"])
    async def test_rename_refuses_a_target(
        self, host: Host, tmp_path: Path, source: str, target: str
    ) -> None:
        """Whatever stands at the target stays, be it an empty directory or a dangling link."""
        (tmp_path / "source").write_bytes(b"s")
        (tmp_path / "folder").mkdir()
        (tmp_path / "file").write_bytes(b"t")
        (tmp_path / "empty").mkdir()
        (tmp_path / "dangling").symlink_to("nowhere")
        before = sorted(each.name for each in tmp_path.iterdir())
        with pytest.raises(Refused, match=f"{target} exists already"):
            await host.rename(f"{tmp_path}/{source}", f"{tmp_path}/{target}")
        assert sorted(each.name for each in tmp_path.iterdir()) == before
        assert (tmp_path / "dangling").is_symlink()
        assert (tmp_path / "file").read_bytes() == b"t"

    async def test_rename_that_fails(self, host: Host, tmp_path: Path) -> None:
        """The error names both paths, and why."""
        with pytest.raises(RequorumError, match=f"{tmp_path}/a -> {tmp_path}/b: no such file"):
            await host.rename(f"{tmp_path}/a", f"{tmp_path}/b")
        (tmp_path / "a").touch()
        with pytest.raises(RequorumError, match="none/b: no such file"):
            await host.rename(f"{tmp_path}/a", f"{tmp_path}/none/b")
        elsewhere = f"/dev/shm/{tmp_path.name}"  # noqa: S108 - a rename to there must fail
        with pytest.raises(RequorumError, match="invalid cross-device link") as caught:
            await host.rename(f"{tmp_path}/a", elsewhere)
        assert caught.value.hint is not None
        assert "another file system" in caught.value.hint
        assert (tmp_path / "a").exists()

    async def test_write_new(self, host: Host, tmp_path: Path) -> None:
        """A file is written whole, with exactly its mode, and replaced whole."""
        path = tmp_path / "f"
        for data in (os.urandom(1_500_000), b"2", b""):
            await host.write_new(str(path), data, mode=0o666)
            assert path.read_bytes() == data
            assert [each.name for each in tmp_path.iterdir()] == ["f"]
        assert stat.S_IMODE(path.stat().st_mode) == 0o666

    async def test_write_new_that_fails_leaves_nothing(self, host: Host, tmp_path: Path) -> None:
        """No half file stays behind under another name."""
        (tmp_path / "d").mkdir()
        with pytest.raises(RequorumError, match=f"{tmp_path}/d: is a directory"):
            await host.write_new(f"{tmp_path}/d", b"1")
        with pytest.raises(RequorumError, match=f"{tmp_path}/none/f: no such file"):
            await host.write_new(f"{tmp_path}/none/f", b"1" * 3_000_000)
        assert [each.name for each in tmp_path.iterdir()] == ["d"]

    async def test_write_at(self, host: Host, tmp_path: Path) -> None:
        """Bytes change in place; a file that is missing is not made."""
        path = tmp_path / "f"
        path.write_bytes(b"abcdef")
        await host.write_at(str(path), 2, b"XY")
        await host.write_at(str(path), 6, b"Z" * 200_000)
        assert path.read_bytes() == b"abXYef" + b"Z" * 200_000
        with pytest.raises(RequorumError, match="no such file"):
            await host.write_at(f"{tmp_path}/none", 0, b"1")
        assert not (tmp_path / "none").exists()

    async def test_a_full_disk_has_its_own_error(self, host: Host) -> None:
        """/dev/full is a disk that is always full."""
        with pytest.raises(NotEnoughSpace, match="/dev/full: no space left"):
            await host.write_at("/dev/full", 0, b"1")

    async def test_sync_tree(self, host: Host, tmp_path: Path) -> None:
        """Links and fifos are not opened; what is missing is an error."""
        (tmp_path / "d").mkdir()
        (tmp_path / "d/f").touch()
        (tmp_path / "link").symlink_to("nowhere")
        os.mkfifo(tmp_path / "fifo")
        await host.sync_tree(str(tmp_path))
        await host.sync_tree(f"{tmp_path}/d/f")
        with pytest.raises(RequorumError, match="no such file"):
            await host.sync_tree(f"{tmp_path}/none")

    async def test_chown_tree(self, host: Host, tmp_path: Path) -> None:
        """Links themselves change their owner, not what they lead to."""
        if os.geteuid() != 0:
            pytest.skip("only root gives files away")
        (tmp_path / "outside").touch()
        (tmp_path / "d").mkdir()
        (tmp_path / "d/f").touch()
        (tmp_path / "d/link").symlink_to("../outside")
        await host.chown_tree(f"{tmp_path}/d", 12345, 54321)
        paths = [tmp_path / name for name in ("d", "d/f", "d/link", "outside")]
        owners = [(each.lstat().st_uid, each.lstat().st_gid) for each in paths]
        assert owners == [(12345, 54321)] * 3 + [(0, 0)]
        with pytest.raises(RequorumError, match="no such file"):
            await host.chown_tree(f"{tmp_path}/none", 0, 0)


class TestLocks:
    """Locks: etcd's, and ours."""

    async def test_a_flock_is_seen(self, host: Host, tmp_path: Path) -> None:
        """As bbolt takes it on a database; asking leaves none behind."""
        path = tmp_path / "db"
        path.touch()
        assert not await host.in_use(str(path))
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            assert await host.in_use(str(path))
        assert not await host.in_use(str(path))

    @pytest.mark.parametrize("kind", [fcntl.F_RDLCK, fcntl.F_WRLCK])
    async def test_range_locks_are_seen(self, host: Host, tmp_path: Path, kind: int) -> None:
        """Open-file-description locks are what etcd takes on WAL files."""
        path = tmp_path / "wal"
        path.touch()
        with path.open("r+b") as file:
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("=hh4xqqi4x", kind, 0, 0, 0, 0))
            assert await host.in_use(str(path))
        assert not await host.in_use(str(path))

    async def test_a_missing_file_is_an_error(self, host: Host, tmp_path: Path) -> None:
        """It is not an unused file."""
        with pytest.raises(RequorumError, match="no such file"):
            await host.in_use(f"{tmp_path}/none")

    async def test_two_do_not_hold_one_lock(self, host: Host, tmp_path: Path) -> None:
        """Who comes second is told who holds it; the file goes with the lock."""
        path = tmp_path / "lock"
        async with host.lock(str(path), holder="run 7 of a"):
            assert path.read_text() == "run 7 of a"
            with pytest.raises(Locked, match="is locked by run 7 of a"):
                async with host.lock(str(path), holder="run 8"):
                    pytest.fail("both hold the lock")
            assert path.read_text() == "run 7 of a"
        assert not path.exists()
        async with host.lock(str(path), holder="8"):
            assert path.read_text() == "8"

    async def test_it_is_given_back_after_an_error(self, host: Host, tmp_path: Path) -> None:
        """An error within gives the lock back too."""
        with pytest.raises(ZeroDivisionError):
            async with host.lock(f"{tmp_path}/lock", holder="a"):
                raise ZeroDivisionError
        assert not (tmp_path / "lock").exists()

    async def test_a_stale_file_is_no_lock(self, host: Host, tmp_path: Path) -> None:
        """What a killed run left behind does not stand in the way."""
        path = tmp_path / "lock"
        path.write_text("a run that was killed long ago")
        async with host.lock(str(path), holder="new"):
            assert path.read_text() == "new"

    async def test_a_file_that_is_not_ours_any_more_stays(self, host: Host, tmp_path: Path) -> None:
        """When somebody replaced the lock file, giving back removes nothing."""
        path = tmp_path / "lock"
        async with host.lock(str(path), holder="a"):
            path.unlink()
            path.write_text("another's")
        assert path.read_text() == "another's"

    async def test_it_follows_no_link(self, host: Host, tmp_path: Path) -> None:
        """A link at the lock's place is not written through."""
        (tmp_path / "precious").write_text("data")
        (tmp_path / "lock").symlink_to(tmp_path / "precious")
        with pytest.raises(RequorumError, match="lock: too many levels of symbolic links"):
            async with host.lock(f"{tmp_path}/lock", holder="me"):
                pytest.fail("the link was followed")
        assert (tmp_path / "precious").read_text() == "data"

    async def test_a_lock_that_cannot_be_made(self, host: Host, tmp_path: Path) -> None:
        """The error names it."""
        with pytest.raises(RequorumError, match=f"{tmp_path}/none/lock: no such file"):
            async with host.lock(f"{tmp_path}/none/lock", holder="me"):
                pytest.fail("there is no such directory")

    async def test_many_take_turns(self, host: Host, tmp_path: Path) -> None:
        """However the file comes and goes, never do two hold it."""
        path = f"{tmp_path}/lock"
        holders: list[int] = []
        turns: list[int] = []

        async def take(number: int) -> None:
            while number not in turns:
                try:
                    async with host.lock(path, holder=str(number)):
                        holders.append(number)
                        await asyncio.sleep(0)
                        assert holders == [number]
                        holders.clear()
                        turns.append(number)
                except Locked:
                    await asyncio.sleep(0.001)

        async with asyncio.timeout(100):
            await asyncio.gather(*(take(number) for number in range(4)))
        assert sorted(turns) == list(range(4))
        assert list(tmp_path.iterdir()) == []


class TestStreams:
    """Whole files."""

    async def test_there_and_back(self, host: Host, tmp_path: Path) -> None:
        """A file arrives as it was, and is told of on its way."""
        data = os.urandom(5_000_000)
        parts = [data[:1], data[1:3_000_000], data[3_000_000:]]
        told: list[int] = []
        await host.write_stream(
            f"{tmp_path}/f",
            chunks_of(*parts),
            size=len(data),
            sha256=digest_of(data),
            mode=0o640,
            on_bytes=told.append,
        )
        assert (tmp_path / "f").read_bytes() == data
        assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o640
        assert sum(told) == len(data)
        assert await whole(host, f"{tmp_path}/f") == data
        assert await host.sha256(f"{tmp_path}/f", deadline=60) == digest_of(data)
        assert [each.name for each in tmp_path.iterdir()] == ["f"]

    async def test_an_empty_file(self, host: Host, tmp_path: Path) -> None:
        """It has no chunks."""
        await host.write_stream(
            f"{tmp_path}/f", chunks_of(), size=0, sha256=digest_of(b""), on_bytes=None
        )
        assert (tmp_path / "f").read_bytes() == b""
        assert await whole(host, f"{tmp_path}/f") == b""

    @pytest.mark.parametrize(
        ("size", "sha256", "complaint"),
        [
            (4, digest_of(b"12345"), "1 bytes too many"),
            (6, digest_of(b"12345"), "1 bytes too few"),
            (5, digest_of(b"12346"), "has the SHA-256"),
        ],
    )
    async def test_what_was_not_asked_for(
        self, host: Host, tmp_path: Path, size: int, sha256: str, complaint: str
    ) -> None:
        """Nothing is left of it."""
        with pytest.raises(DamagedInput, match=complaint):
            await host.write_stream(
                f"{tmp_path}/f", chunks_of(b"123", b"45"), size=size, sha256=sha256
            )
        await eventually(lambda: list(tmp_path.iterdir()) == [])

    async def test_nothing_is_replaced(self, host: Host, tmp_path: Path) -> None:
        """Not even a link that leads nowhere."""
        (tmp_path / "f").write_bytes(b"old")
        (tmp_path / "link").symlink_to("nowhere")
        for name in ("f", "link"):
            with pytest.raises(Refused, match="exists"):
                await host.write_stream(
                    f"{tmp_path}/{name}", chunks_of(b"new"), size=3, sha256=digest_of(b"new")
                )
        assert (tmp_path / "f").read_bytes() == b"old"
        assert sorted(each.name for each in tmp_path.iterdir()) == ["f", "link"]

    async def test_a_source_that_breaks(self, host: Host, tmp_path: Path) -> None:
        """Its error is ours, and nothing is left."""

        async def broken() -> AsyncIterator[bytes]:
            yield b"1" * 500_000
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await host.write_stream(f"{tmp_path}/f", broken(), size=1_000_000, sha256="0" * 64)
        await eventually(lambda: list(tmp_path.iterdir()) == [])

    async def test_a_stream_that_is_left_early(self, host: Host, tmp_path: Path) -> None:
        """Nothing keeps waiting for the rest."""
        (tmp_path / "f").write_bytes(bytes(20_000_000))
        async with host.read_stream(f"{tmp_path}/f") as chunks:
            async for chunk in chunks:
                assert chunk
                break
        assert await host.stat(f"{tmp_path}/f") is not None

    async def test_what_cannot_be_read(self, host: Host, tmp_path: Path) -> None:
        """The error names it."""
        with pytest.raises(RequorumError, match=f"{tmp_path}/none: no such file"):
            await whole(host, f"{tmp_path}/none")
        with pytest.raises(RequorumError, match=f"{tmp_path}/none: no such file"):
            await host.sha256(f"{tmp_path}/none", deadline=30)


async def test_forward(host: Host) -> None:
    """What the host reaches, we reach; nothing there is an error on another host only."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"got " + await reader.read())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    address = await host.forward("127.0.0.1", port)
    assert await host.forward("127.0.0.1", port) == address
    for word in (b"one", b"x" * 300_000):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(word)
        writer.write_eof()
        assert await reader.read() == b"got " + word
        writer.close()
        await writer.wait_closed()
    server.close()


async def test_close_lets_go_and_no_more(host: Host, tmp_path: Path) -> None:
    """It can still be used, and closed twice."""
    await host.close()
    assert await host.stat(str(tmp_path)) is not None
    await host.close()
    await host.close()
