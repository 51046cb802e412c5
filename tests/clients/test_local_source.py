"""Random reads of local files."""

import errno
import mmap
import os
import time
from pathlib import Path

import pytest

from requorum.clients.hosts import local_source
from requorum.clients.hosts.local_source import FileSource
from requorum.errors import DamagedInput, RequorumError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file of ten bytes."""
    file = tmp_path / "f"
    file.write_bytes(b"0123456789")
    return file


def test_reads_any_range(path: Path) -> None:
    """Exactly the bytes that were asked for, as a read-only view."""
    source = FileSource(str(path))
    assert source.size == 10
    assert [bytes(source.read(*at)) for at in ((0, 10), (3, 2), (10, 0))] == [
        b"0123456789",
        b"34",
        b"",
    ]
    assert source.read(0, 3).readonly
    source.close()


@pytest.mark.parametrize(("offset", "length"), [(0, 11), (11, 0), (-1, 1), (5, -1), (1 << 62, 1)])
def test_outside_of_the_file(path: Path, offset: int, length: int) -> None:
    """A range that does not lie within the file is damage."""
    source = FileSource(str(path))
    with pytest.raises(DamagedInput):
        source.read(offset, length)
    source.close()


def test_empty_file(tmp_path: Path) -> None:
    """An empty file has a size and an empty range."""
    (tmp_path / "f").touch()
    source = FileSource(f"{tmp_path}/f")
    assert (source.size, bytes(source.read(0, 0))) == (0, b"")
    source.close()


def test_views_outlive_the_source(path: Path) -> None:
    """A view that is still held neither prevents closing nor breaks by it."""
    source = FileSource(str(path))
    view = source.read(2, 3)
    source.close()
    source.close()
    assert bytes(view) == b"234"
    with pytest.raises(ValueError, match="after it was closed"):
        source.read(0, 1)


def test_a_file_that_becomes_shorter(path: Path) -> None:
    """As when etcd cuts a WAL segment while we read: an error, and the process lives."""
    source = FileSource(str(path))
    os.truncate(path, 4)
    assert bytes(source.read(0, 4)) == b"0123"
    with pytest.raises(DamagedInput, match="became shorter"):
        source.read(0, 10)
    source.close()


def test_a_range_too_large_to_copy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is mapped, once proven readable; the view keeps the mapping alive after closing."""
    monkeypatch.setattr(local_source, "_MAP_MIN", 4)
    source = FileSource(str(path))
    view = source.read(1, 8)
    assert (bytes(view), view.readonly) == (b"12345678", True)
    assert isinstance(view.obj, mmap.mmap)
    assert source.read(3, 1).obj is view.obj
    path.write_bytes(b"abcdefghij")
    source.close()
    assert bytes(view) == b"bcdefghi"


@pytest.fixture(params=["the kernel reads it", "we read it"])
def mapped_early(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Map small files too, on a file system that can send them nowhere, and on one that cannot."""
    monkeypatch.setattr(local_source, "_MAP_MIN", 4)
    monkeypatch.setattr(local_source, "_READ_THROUGH_BYTES", 3)
    if request.param == "we read it":

        def refuse(*_arguments: int) -> int:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

        monkeypatch.setattr(os, "sendfile", refuse)


@pytest.mark.usefixtures("mapped_early")
def test_a_mapped_file_is_whole(path: Path) -> None:
    """However it is proven, the bytes are those of the file."""
    source = FileSource(str(path))
    assert bytes(source.read(0, 10)) == b"0123456789"
    source.close()


@pytest.mark.usefixtures("mapped_early")
def test_a_hole_is_not_read(tmp_path: Path) -> None:
    """A file may claim a terabyte; what costs time and memory is what lies on the disk."""
    with (tmp_path / "f").open("wb") as file:
        file.write(b"head")
        file.seek(1 << 39)
        file.write(b"mid")
        file.truncate(1 << 40)
    source = FileSource(f"{tmp_path}/f")
    begin = time.monotonic()
    view = source.read(0, 1 << 40)
    assert (bytes(view[:5]), bytes(view[(1 << 39) - 1 : (1 << 39) + 4])) == (
        b"head\0",
        b"\0mid\0",
    )
    assert time.monotonic() - begin < 10
    del view
    source.close()


@pytest.mark.usefixtures("mapped_early")
def test_a_large_file_that_becomes_shorter(tmp_path: Path) -> None:
    """What cannot be read is found before it is touched, where it would kill us."""
    (tmp_path / "f").write_bytes(b"x" * 5 * mmap.PAGESIZE)
    source = FileSource(f"{tmp_path}/f")
    os.truncate(tmp_path / "f", mmap.PAGESIZE)
    with pytest.raises(DamagedInput, match="became shorter"):
        source.read(0, 5 * mmap.PAGESIZE)
    source.close()


@pytest.mark.usefixtures("mapped_early")
def test_a_large_file_that_cannot_be_read() -> None:
    """A bad place is found before anything is mapped."""
    source = FileSource("/proc/self/mem")
    source._size = 10
    with pytest.raises(DamagedInput, match="/proc/self/mem, byte 0: input/output error"):
        source.read(0, 10)
    source.close()


@pytest.mark.usefixtures("mapped_early")
def test_a_file_that_cannot_be_mapped(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that names it."""

    def refuse(*_arguments: int, **_options: int) -> mmap.mmap:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))

    monkeypatch.setattr(local_source.mmap, "mmap", refuse)
    source = FileSource(str(path))
    with pytest.raises(DamagedInput, match=f"{path} cannot be mapped"):
        source.read(0, 10)
    source.close()


def test_an_expendable_process_needs_no_proof(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may die of a bad disk maps at once."""
    monkeypatch.setattr(local_source, "_MAP_MIN", 4)
    monkeypatch.setattr(FileSource, "_prove_readable", None)
    source = FileSource(str(path), expendable=True)
    assert bytes(source.read(0, 10)) == b"0123456789"
    source.close()


def test_a_range_that_takes_many_reads(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One read(2) may give less than was asked for."""
    monkeypatch.setattr(local_source, "_READ_MAX", 3)
    source = FileSource(str(path))
    view = source.read(1, 9)
    assert (bytes(view), view.readonly) == (b"123456789", True)
    source.close()


def test_a_disk_that_cannot_be_read() -> None:
    """An I/O error is damage at a place: reading our own memory at 0 gives one."""
    source = FileSource("/proc/self/mem")
    source._size = 10
    with pytest.raises(DamagedInput, match="/proc/self/mem, byte 0: input/output error"):
        source.read(0, 10)
    source.close()


def test_what_is_no_file(tmp_path: Path) -> None:
    """A directory and a fifo are refused at once, a missing file by its name."""
    os.mkfifo(tmp_path / "fifo")
    for name in (".", "fifo"):
        with pytest.raises(RequorumError, match="is not a regular file"):
            FileSource(f"{tmp_path}/{name}")
    with pytest.raises(RequorumError, match=f"{tmp_path}/none: no such file"):
        FileSource(f"{tmp_path}/none")
