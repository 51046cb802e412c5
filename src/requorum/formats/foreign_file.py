"""What a file is that was taken for a database and is none: told by how it begins.

Source: the formats' own specifications: RFC 1952 (gzip), RFC 8878 (zstd), xz, bzip2, lz4 frame,
PKZIP APPNOTE, POSIX ustar, age-encryption.org/v1, OpenSSL `enc`; for the WAL see `formats.wal`.
"""

from codecs import getincrementaldecoder
from dataclasses import dataclass

from requorum.formats.source import Source

_HEAD_SIZE = 4096
_TAR_MARK = 257
_SHOWN_SIZE = 60
_MAGICS = (
    (b"\x1f\x8b", "compressed with gzip", "Decompress it: `gunzip --keep FILE`."),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "Decompress it: `zstd -d --keep FILE`."),
    (b"\xfd7zXZ\0", "compressed with xz", "Decompress it: `xz -d --keep FILE`."),
    (b"BZh", "compressed with bzip2", "Decompress it: `bunzip2 --keep FILE`."),
    (b"\x04\x22\x4d\x18", "compressed with lz4", "Decompress it: `lz4 -d FILE`."),
    (b"PK\x03\x04", "a zip archive", "Take the database out of it: `unzip FILE`."),
    (b"age-encryption.org/v1\n", "encrypted with age", "Decrypt it: `age -d -i KEY FILE`."),
    (b"Salted__", "encrypted with openssl enc", "Decrypt it the way it was encrypted."),
)
_WAL_HINT = "`requorum inspect wal DIR` reads the directory that it lies in."


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """`kind` completes "it is …"; `hint` is a sentence, with FILE for the file's name."""

    kind: str
    hint: str


def foreign_file(source: Source) -> ForeignFile | None:
    """Return what the file is instead of a database; None where it may well be one."""
    head = bytes(source.read(0, min(source.size, _HEAD_SIZE)))
    if not head:
        return ForeignFile("empty", "The copy or the save failed: take another one.")
    for magic, kind, hint in _MAGICS:
        if head.startswith(magic):
            return ForeignFile(kind, hint)
    if head[_TAR_MARK : _TAR_MARK + 5] == b"ustar":
        return ForeignFile("a tar archive", "Take the database out of it: `tar -xf FILE`.")
    if _begins_as_wal(head):
        return ForeignFile("a segment of a write-ahead log", _WAL_HINT)
    return _text(head)


def _begins_as_wal(head: bytes) -> bool:
    """Return whether there is a frame of a few bytes with a record of type 4, the checksum."""
    length = int.from_bytes(head[:8], "little") & ((1 << 56) - 1)
    return 4 <= length <= 16 and head[8:10] == b"\x08\x04"


def _text(head: bytes) -> ForeignFile | None:
    try:
        # The head may end within a character, the file may not.
        text = getincrementaldecoder("utf-8")().decode(head, final=len(head) < _HEAD_SIZE)
    except UnicodeDecodeError:
        return None
    if not all(character.isprintable() or character in "\t\r\n" for character in text):
        return None
    line = text.strip().partition("\n")[0][:_SHOWN_SIZE].rstrip()
    return ForeignFile(f"a text file, which begins with {line!r}", "Fetch the file itself.")
