"""Files of this machine."""

import os
import stat
from pathlib import Path

import pytest

from requorum.clients.hosts import local_files
from requorum.errors import NotEnoughSpace, Refused, RequorumError


def tree(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_stat(tmp_path: Path) -> None:
    """A file, a directory, something else, a link's target, and nothing."""
    file = tmp_path / "f"
    file.write_bytes(b"123")
    file.chmod(0o640)
    found = local_files.stat(str(file))
    assert found is not None
    assert (found.kind, found.size, found.mode, found.uid) == ("file", 3, 0o640, os.getuid())
    assert found.mtime_ns == file.stat().st_mtime_ns
    (tmp_path / "link").symlink_to(file)
    assert local_files.stat(str(tmp_path / "link")) == found
    os.mkfifo(tmp_path / "fifo")
    kinds = {name: local_files.stat(f"{tmp_path}/{name}") for name in (".", "fifo")}
    assert {name: each and each.kind for name, each in kinds.items()} == {
        ".": "dir",
        "fifo": "other",
    }
    assert local_files.stat(f"{tmp_path}/none") is None
    assert local_files.stat(f"{file}/below") is None


def test_stat_knows_mount_points(tmp_path: Path) -> None:
    """A rename of a mount point would fail."""
    proc, mine = local_files.stat("/proc"), local_files.stat(str(tmp_path))
    assert proc is not None
    assert mine is not None
    assert (proc.is_mount_point, mine.is_mount_point) == (True, False)


def test_list_dir(tmp_path: Path) -> None:
    """Sorted names; None where nothing is; an error that names the path for a file."""
    for name in ("b", "a", "C"):
        (tmp_path / name).touch()
    assert local_files.list_dir(str(tmp_path)) == ("C", "a", "b")
    assert local_files.list_dir(f"{tmp_path}/none") is None
    with pytest.raises(RequorumError, match=f"{tmp_path}/a: not a directory"):
        local_files.list_dir(f"{tmp_path}/a")


def test_disk(tmp_path: Path) -> None:
    """The nearest existing parent is asked."""
    disk = local_files.disk(f"{tmp_path}/not/yet")
    free = disk.free
    assert disk.filesystem == local_files.disk(str(tmp_path)).filesystem
    found = os.statvfs(tmp_path)
    assert 0 < free <= found.f_blocks * found.f_frsize
    assert free > 1 << 20


def test_make_dirs(tmp_path: Path) -> None:
    """All missing parents get the mode, existing ones keep theirs."""
    tmp_path.chmod(0o755)
    path = f"{tmp_path}/a/b"
    for _ in range(2):
        local_files.make_dirs(path, 0o700)
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (tmp_path, tmp_path / "a", Path(path))]
    assert modes == [0o755, 0o700, 0o700]
    (tmp_path / "f").touch()
    with pytest.raises(RequorumError, match=f"{tmp_path}/f"):
        local_files.make_dirs(f"{tmp_path}/f/g", 0o700)


def test_rename(tmp_path: Path) -> None:
    """A directory moves with all that is in it."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/f").write_bytes(b"1")
    local_files.rename(f"{tmp_path}/a", f"{tmp_path}/b")
    assert tree(tmp_path) == {"b/f": b"1"}


@pytest.mark.parametrize("target", ["file", "empty", "dangling"])
def test_rename_refuses_a_target(tmp_path: Path, target: str) -> None:
    """Whatever stands at the target stays, be it an empty directory or a dangling link."""
    (tmp_path / "source").write_bytes(b"s")
    (tmp_path / "file").write_bytes(b"t")
    (tmp_path / "empty").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    with pytest.raises(Refused, match=f"{target} exists already"):
        local_files.rename(f"{tmp_path}/source", f"{tmp_path}/{target}")
    assert tree(tmp_path) == {"source": b"s", "file": b"t"}
    assert (tmp_path / "dangling").is_symlink()


def test_rename_of_nothing(tmp_path: Path) -> None:
    """The error names both paths."""
    with pytest.raises(RequorumError, match=f"{tmp_path}/a -> {tmp_path}/b: no such file"):
        local_files.rename(f"{tmp_path}/a", f"{tmp_path}/b")


def test_write_new(tmp_path: Path) -> None:
    """A file is written whole, with exactly its mode, and replaced whole."""
    path = tmp_path / "f"
    for data in (b"long first content", b"2"):
        local_files.write_new(str(path), data, 0o666)
        assert tree(tmp_path) == {"f": data}
    assert stat.S_IMODE(path.stat().st_mode) == 0o666


def test_write_new_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """No half file stays behind under another name."""
    (tmp_path / "d").mkdir()
    with pytest.raises(RequorumError, match=f"{tmp_path}/d: is a directory"):
        local_files.write_new(f"{tmp_path}/d", b"1", 0o600)
    assert [entry.name for entry in tmp_path.iterdir()] == ["d"]


def test_write_at(tmp_path: Path) -> None:
    """Bytes change in place; a file that is missing is not made."""
    path = tmp_path / "f"
    path.write_bytes(b"abcdef")
    local_files.write_at(str(path), 2, b"XY")
    local_files.write_at(str(path), 6, b"Z")
    assert path.read_bytes() == b"abXYefZ"
    with pytest.raises(RequorumError, match="no such file"):
        local_files.write_at(f"{tmp_path}/none", 0, b"1")
    assert not (tmp_path / "none").exists()


def test_sync_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file and directory is synced, links and fifos are not opened."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d/f").touch()
    (tmp_path / "link").symlink_to("nowhere")
    os.mkfifo(tmp_path / "fifo")
    synced = []
    monkeypatch.setattr(
        os, "fsync", lambda fd: synced.append(str(Path(f"/proc/self/fd/{fd}").readlink()))
    )
    local_files.sync_tree(str(tmp_path))
    assert sorted(synced) == [str(tmp_path), f"{tmp_path}/d", f"{tmp_path}/d/f"]
    with pytest.raises(RequorumError, match="no such file"):
        local_files.sync_tree(f"{tmp_path}/none")


def test_chown_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has the owner already is left alone, so that a plain user may call it too."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d/f").touch()
    (tmp_path / "link").symlink_to("nowhere")
    changed: list[tuple[str, int, int, bool]] = []

    def chown(path: str, uid: int, gid: int, *, follow_symlinks: bool) -> None:
        changed.append((path, uid, gid, follow_symlinks))

    monkeypatch.setattr(os, "chown", chown)
    local_files.chown_tree(str(tmp_path), os.getuid(), os.getgid())
    assert changed == []
    local_files.chown_tree(str(tmp_path), 12345, 54321)
    names = ("", "/d", "/link", "/d/f")
    assert changed == [(f"{tmp_path}{name}", 12345, 54321, False) for name in names]


def test_a_full_disk_has_its_own_error() -> None:
    """/dev/full is a disk that is always full."""
    with pytest.raises(NotEnoughSpace, match="/dev/full: no space left"):
        local_files.write_at("/dev/full", 0, b"1")
