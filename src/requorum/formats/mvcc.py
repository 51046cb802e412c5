"""etcd's records: the revision that is a record's key, and the key-value that is its value.

Source: etcd server/storage/mvcc/revision.go, api/mvccpb/kv.proto.
"""

import struct
from dataclasses import dataclass
from typing import Self

from requorum.errors import DamagedInput
from requorum.formats.wire import (
    VARINT,
    field_bytes,
    field_varint,
    fields,
    payload,
    signed,
    whole_number,
)

REVISION_SIZE = 17
TOMBSTONE_SIZE = 18

_REVISION = struct.Struct(">qcq")
_SEPARATOR = b"_"
_TOMBSTONE_MARK = b"t"
_KEY, _CREATE_REVISION, _MOD_REVISION, _VERSION, _VALUE, _LEASE = range(1, 7)


@dataclass(frozen=True, slots=True, order=True)
class Revision:
    """When a change was made: `main` per transaction, `sub` per change within it."""

    main: int
    sub: int = 0

    @classmethod
    def parse(cls, data: bytes | memoryview) -> Self:
        """Return the revision that 17 bytes spell."""
        if len(data) != REVISION_SIZE:
            raise DamagedInput(f"a revision has {REVISION_SIZE} bytes, not {len(data)}")
        main, separator, sub = _REVISION.unpack(data)
        if separator != _SEPARATOR or main < 0 or sub < 0:
            raise DamagedInput(f"{bytes(data)!r} is not a revision")
        return cls(main, sub)

    def encode(self) -> bytes:
        """Return its 17 bytes, which sort as revisions do."""
        return _REVISION.pack(self.main, _SEPARATOR, self.sub)


@dataclass(frozen=True, slots=True, order=True)
class RevisionKey:
    """A key of the bucket `key`: a revision, and whether it is that of a deletion."""

    revision: Revision
    tombstone: bool = False

    @classmethod
    def parse(cls, data: bytes | memoryview) -> Self:
        """Return what 17 bytes, or 18 for a tombstone, spell."""
        if len(data) == REVISION_SIZE:
            return cls(Revision.parse(data))
        if len(data) != TOMBSTONE_SIZE or bytes(data[REVISION_SIZE:]) != _TOMBSTONE_MARK:
            raise DamagedInput(f"a record's key has 17 bytes, or 18 with a t, not {len(data)}")
        return cls(Revision.parse(data[:REVISION_SIZE]), tombstone=True)

    def encode(self) -> bytes:
        """Return its bytes."""
        return self.revision.encode() + (_TOMBSTONE_MARK if self.tombstone else b"")


@dataclass(frozen=True, slots=True)
class KeyValue:
    """mvccpb.KeyValue. A tombstone holds only the key.

    The empty value that `snapshot restore --bump-revision` leaves decodes as an empty key.
    """

    key: bytes = b""
    create_revision: int = 0
    mod_revision: int = 0
    version: int = 0
    value: bytes = b""
    lease: int = 0

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """Return the message; fields that later versions add are passed over."""
        numbers = dict.fromkeys((_CREATE_REVISION, _MOD_REVISION, _VERSION, _LEASE), 0)
        texts = {_KEY: b"", _VALUE: b""}
        for number, wire_type, value in fields(data):
            if number in numbers:
                if wire_type != VARINT:
                    raise DamagedInput(f"key-value field {number} has wire type {wire_type}")
                numbers[number] = signed(whole_number(value, f"key-value field {number}"))
            elif number in texts:
                texts[number] = bytes(payload(value, f"key-value field {number}"))
        return cls(
            key=texts[_KEY],
            create_revision=numbers[_CREATE_REVISION],
            mod_revision=numbers[_MOD_REVISION],
            version=numbers[_VERSION],
            value=texts[_VALUE],
            lease=numbers[_LEASE],
        )

    def encode(self) -> bytes:
        """Return the message as etcd writes it: in order, without fields that are zero."""
        encoded = bytearray(field_bytes(_KEY, self.key) if self.key else b"")
        for number, value in (
            (_CREATE_REVISION, self.create_revision),
            (_MOD_REVISION, self.mod_revision),
            (_VERSION, self.version),
        ):
            encoded += field_varint(number, value) if value else b""
        encoded += field_bytes(_VALUE, self.value) if self.value else b""
        encoded += field_varint(_LEASE, self.lease) if self.lease else b""
        return bytes(encoded)
