"""Getting etcd's binaries: what is tried, in which order, and what is said when nothing works."""

import stat
import time
from pathlib import Path

import pytest

from requorum.domain.version import EtcdVersion
from requorum.errors import DamagedInput, DeadlineExceeded, ToolUnfit, Unreachable, UsageError
from requorum.lab.binaries import obtain
from requorum.lab.obtain import release
from requorum.lab.obtain.cache import BinaryCache, default_cache
from requorum.lab.obtain.command import run
from requorum.lab.obtain.debian import Mirror, choose_mirror
from requorum.lab.obtain.release import checksum_in, from_release
from requorum.lab.obtain.search_path import from_search_path
from requorum.lab.obtain.wanted import NotHad, Obtained, Wanted
from requorum.lab.process import alive, find_by_argv


def put_tools(directory: Path, version: str, *, without: str = "") -> Path:
    """Write programs that answer as etcd's do."""
    directory.mkdir(parents=True, exist_ok=True)
    for tool in {"etcd", "etcdctl", "etcdutl"} - {without}:
        (directory / tool).write_text(f"#!/bin/sh\necho {tool} version: {version}\n")
        (directory / tool).chmod(stat.S_IRWXU)
    return directory


def silent(_line: str) -> None:
    """Take progress and say nothing."""


@pytest.mark.parametrize("text", ["", "3", "3.x", "latest", "3.5.1.2", "3..5"])
def test_what_is_no_version_is_a_usage_error(text: str) -> None:
    """The operator is told so before anything is tried."""
    with pytest.raises(UsageError):
        Wanted.parse(text)


def test_a_minor_is_fitted_by_its_patches_and_a_release_by_itself() -> None:
    """3.5 takes 3.5.16; 3.5.1 takes nothing else."""
    assert Wanted.parse("3.5").fits(EtcdVersion(3, 5, 16))
    assert not Wanted.parse("3.5").fits(EtcdVersion(3, 6, 0))
    assert Wanted.parse("v3.5.1").fits(EtcdVersion(3, 5, 1))
    assert not Wanted.parse("3.5.1").fits(EtcdVersion(3, 5, 16))


def test_the_cache_gives_the_newest_whole_directory(tmp_path: Path) -> None:
    """An incomplete directory, and anything that is no version, is passed over."""
    put_tools(tmp_path / "3.5.9", "3.5.9")
    put_tools(tmp_path / "3.5.16", "3.5.16")
    put_tools(tmp_path / "3.5.30", "3.5.30", without="etcdutl")
    put_tools(tmp_path / ".work-1" / "3.5.31", "3.5.31")
    had = BinaryCache(tmp_path).find(Wanted.parse("3.5"))
    assert had == Obtained(EtcdVersion(3, 5, 16), tmp_path / "3.5.16", "cache")


def test_etcd_3_4_needs_no_etcdutl(tmp_path: Path) -> None:
    """It came with 3.5."""
    put_tools(tmp_path / "3.4.23", "3.4.23", without="etcdutl")
    assert BinaryCache(tmp_path).find(Wanted.parse("3.4")) is not None


def test_a_diverging_release_is_taken_only_on_demand(tmp_path: Path) -> None:
    """3.5.1 stands for 3.5 only where the caller accepts that, or names it."""
    put_tools(tmp_path / "3.5.1", "3.5.1")
    cache = BinaryCache(tmp_path)
    assert cache.find(Wanted.parse("3.5")) is None
    assert cache.find(Wanted.parse("3.5"), accept_divergence=True) is not None
    assert cache.find(Wanted.parse("3.5.1")) is not None


def test_the_cache_keeps_nothing_but_what_was_wanted(tmp_path: Path) -> None:
    """Another version, or one that lacks a tool, is refused; no trace of it stays."""
    cache = BinaryCache(tmp_path / "cache")
    with cache.workshop() as work, pytest.raises(ToolUnfit, match=r"3\.5\.16"):
        cache.keep(put_tools(work / "x", "3.5.16"), Wanted.parse("3.6"), "test")
    with cache.workshop() as work, pytest.raises(ToolUnfit, match="etcdutl"):
        cache.keep(put_tools(work / "x", "3.6.14", without="etcdutl"), Wanted.parse("3.6"), "test")
    assert list((tmp_path / "cache").iterdir()) == []


def test_two_at_once_leave_one_whole_directory(tmp_path: Path) -> None:
    """Who comes second uses what the first one put there."""
    cache, wanted = BinaryCache(tmp_path), Wanted.parse("3.6")
    with cache.workshop() as one, cache.workshop() as other:
        first = cache.keep(put_tools(one / "x", "3.6.14"), wanted, "one")
        second = cache.keep(put_tools(other / "x", "3.6.14"), wanted, "other")
    assert first.directory == second.directory
    assert [path.name for path in tmp_path.iterdir()] == ["3.6.14"]


def test_the_cache_lies_where_the_environment_says(tmp_path: Path) -> None:
    """Our own variable first, then XDG's, then the home directory."""
    both = {"REQUORUM_ETCD_CACHE": "/a", "XDG_CACHE_HOME": "/b"}
    assert default_cache(both) == Path("/a")
    assert default_cache({"XDG_CACHE_HOME": "/b"}) == Path("/b/requorum/etcd")
    assert default_cache({}) == Path("~/.cache/requorum/etcd").expanduser()


def test_path_is_used_where_it_lies(tmp_path: Path) -> None:
    """All tools of the release, in one directory."""
    put_tools(tmp_path, "3.6.14")
    had = from_search_path(Wanted.parse("3.6"), str(tmp_path))
    assert had == Obtained(EtcdVersion(3, 6, 14), tmp_path, "PATH")
    with pytest.raises(ToolUnfit, match=r"is 3\.6\.14"):
        from_search_path(Wanted.parse("3.5"), str(tmp_path))
    (tmp_path / "etcdutl").unlink()
    with pytest.raises(ToolUnfit, match="etcdutl is missing"):
        from_search_path(Wanted.parse("3.6"), str(tmp_path))


def test_the_ways_are_tried_in_order_and_their_reasons_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first that works ends it; where none does, each is named with its reason."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")

    def broken(_wanted: Wanted, _work: Path, _progress: object) -> Path:
        raise Unreachable("nobody answers")

    def works(_wanted: Wanted, work: Path, _progress: object) -> Path:
        return put_tools(work / "x", "3.6.14")

    nothing = obtain("3.6", tmp_path, silent, ways=[("first", broken)])
    assert isinstance(nothing, NotHad)
    assert [way for way, _ in nothing.reasons] == ["cache", "PATH", "first"]
    assert "first: nobody answers" in str(nothing)

    lines: list[str] = []
    had = obtain("3.6", tmp_path, lines.append, ways=[("first", broken), ("second", works)])
    assert had == Obtained(EtcdVersion(3, 6, 14), tmp_path / "3.6.14", "second")
    assert lines == ["etcd 3.6.14: had by second"]
    again = obtain("3.6", tmp_path, silent, ways=[("first", broken)])
    assert again == Obtained(EtcdVersion(3, 6, 14), tmp_path / "3.6.14", "cache")


def test_the_mirror_is_the_distributions_own() -> None:
    """Neither a vendor's archive nor security updates hold etcd."""
    targets = (
        "http://vendor.invalid/apt|cloud-sdk-bookworm|main|$(SIGNED_BY)\n"
        "http://vendor.invalid/node|nodistro|main|/etc/keys/node.gpg\n"
        "http://mirror.invalid/debian-security/|bookworm-security|main|$(SIGNED_BY)\n"
        "http://mirror.invalid/debian/|bookworm|contrib|$(SIGNED_BY)\n"
        "http://mirror.invalid/debian/|bookworm|main|/etc/keys/debian.gpg\n"
    )
    mirror = Mirror("http://mirror.invalid/debian/", "/etc/keys/debian.gpg")
    assert choose_mirror(targets, "bookworm") == mirror
    with pytest.raises(ToolUnfit, match="no mirror"):
        choose_mirror("http://vendor.invalid/node|nodistro|main|\n", "bookworm")


def test_a_checksum_is_found_by_its_archives_name() -> None:
    """Both spellings of sha256sum are read; an archive that is not named is refused."""
    sums = "aa  etcd-v3.6.14-linux-amd64.tar.gz\nbb *etcd-v3.6.14-linux-arm64.tar.gz\n"
    assert checksum_in(sums, "etcd-v3.6.14-linux-amd64.tar.gz") == "aa"
    assert checksum_in(sums, "etcd-v3.6.14-linux-arm64.tar.gz") == "bb"
    with pytest.raises(ToolUnfit, match="does not name"):
        checksum_in(sums, "etcd-v3.6.14-linux-riscv64.tar.gz")


def test_an_archive_that_is_not_what_its_checksum_says_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is unpacked."""
    name = release._archive_name(Wanted.parse("3.6"))[1]
    answers = {name: b"an altered archive", "SHA256SUMS": f"{'0' * 64}  {name}\n".encode()}
    monkeypatch.setattr(release, "_get", lambda url: answers[url.rpartition("/")[2]])
    with pytest.raises(DamagedInput, match="not what SHA256SUMS says"):
        from_release(Wanted.parse("3.6"), tmp_path, silent)
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_takes_too_long_is_ended_with_its_children() -> None:
    """Its deadline holds, and nothing of it goes on."""
    child = ["sleep", "86399"]
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="did not end within"):
        run(["/bin/sh", "-c", "sleep 86399; true"], deadline=0.5)
    assert time.monotonic() - started < 5
    left = find_by_argv(child)
    give_up = time.monotonic() + 5
    while left is not None and alive(left) and time.monotonic() < give_up:
        left = find_by_argv(child)
    assert left is None


def test_a_command_that_fails_says_its_last_line() -> None:
    """The reason is what the program itself said."""
    with pytest.raises(ToolUnfit, match="sh failed: the disk is full"):
        run(["/bin/sh", "-c", "echo much; echo the disk is full >&2; exit 1"], deadline=5)
    with pytest.raises(ToolUnfit, match="does not start"):
        run(["/nowhere/at/all"], deadline=5)
