"""Files that are no database say what they are."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import bbolt_builder
import pytest

from requorum.formats.foreign_file import foreign_file
from requorum.formats.source import BufferSource

DATA = bytes(range(256)) * 40


def tar() -> bytes:
    """Return a tar archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("db"), io.BytesIO())
    return out.getvalue()


def zip_file() -> bytes:
    """Return a zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("db", DATA)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "empty"),
        (gzip.compress(DATA), "compressed with gzip"),
        (bz2.compress(DATA), "compressed with bzip2"),
        (lzma.compress(DATA), "compressed with xz"),
        (bytes.fromhex("28b52ffd") + DATA, "compressed with zstd"),
        (zip_file(), "a zip archive"),
        (tar(), "a tar archive"),
        (b"age-encryption.org/v1\n-> X25519 abc", "encrypted with age"),
        (b"\x04\0\0\0\0\0\0\x84\x08\x04\x10\0\0\0\0\0", "a segment of a write-ahead log"),
        (b'{"error": "not found"}', 'a text file, which begins with \'{"error": "not found"}\''),
        (b"\n<html>\nno\n", "a text file, which begins with '<html>'"),
        ("ä".encode() * 4000, "a text file, which begins with '" + "ä" * 60 + "'"),
        (b"x" + "ä".encode() * 4000, "a text file, which begins with 'x" + "ä" * 59 + "'"),
    ],
)
def test_each_kind(data: bytes, kind: str) -> None:
    """The kind is named, and a hint says what to do."""
    found = foreign_file(BufferSource(data))
    assert found is not None
    assert found.kind == kind
    assert found.hint.endswith(".")


@pytest.mark.parametrize(
    "data",
    [
        bbolt_builder.build({b"key": []}).data,
        bytes(4096) + b"x" * 100,
        DATA,
        b"\xff\xfe",
        b"\x1b[2J text that would clear a screen",
    ],
)
def test_what_may_be_a_database(data: bytes) -> None:
    """A database, or what is left of one, is not taken for something else."""
    assert foreign_file(BufferSource(data)) is None
