"""Who may do what: users and roles, as etcd keeps them in its backend.

Source: etcd server/storage/schema/auth*.go, api/authpb/auth.proto. A user's password hash is
passed over while reading: what is never held can never be shown.
"""

from dataclasses import dataclass

from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.damage import DamageLog
from requorum.formats.bucket_rows import BucketRows, flag, u64
from requorum.formats.wire import fields, payload, whole_number

OPEN_END = b"\0"
"""The `range_end` of a permission that has no upper end."""

_PERMISSIONS = {0: "READ", 1: "WRITE", 2: "READWRITE"}
_ENABLED = b"\x01"


@dataclass(frozen=True, slots=True)
class AuthUser:
    """A user. `no_password`: it may log in by certificate alone."""

    name: str
    roles: tuple[str, ...]
    no_password: bool


@dataclass(frozen=True, slots=True)
class Permission:
    """What a role may do with the keys [key, range_end); with `key` alone where that is empty.

    `kind` is READ, WRITE, READWRITE, or the number of one we do not know.
    """

    kind: str
    key: bytes
    range_end: bytes


@dataclass(frozen=True, slots=True)
class AuthRole:
    """A role. `root` may do everything, whatever permissions are written with it."""

    name: str
    permissions: tuple[Permission, ...]


@dataclass(frozen=True, slots=True)
class AuthStore:
    """The whole of it. `revision` is 0 where nothing about users was ever changed."""

    enabled: bool
    revision: int
    users: tuple[AuthUser, ...]
    roles: tuple[AuthRole, ...]


NO_AUTH = AuthStore(enabled=False, revision=0, users=(), roles=())
"""What a store has in which nobody ever made a user."""


def read_auth_store(database: Database, log: DamageLog | None = None) -> AuthStore:
    """Read users and roles by name; DamagedInput at a malformed row, unless a log takes them."""
    auth = BucketRows(database, b"auth", log)
    return AuthStore(
        enabled=auth.value(b"authEnabled", bytes) == _ENABLED,
        revision=auth.value(b"authRevision", u64) or 0,
        users=tuple(BucketRows(database, b"authUsers", log).rows(_user)),
        roles=tuple(BucketRows(database, b"authRoles", log).rows(_role)),
    )


def _user(_key: bytes, value: bytes) -> AuthUser:
    name, roles, no_password = "", [], False
    for number, _, content in fields(value):
        if number == 1:
            name = _name(content)
        elif number == 3:
            roles.append(_name(content))
        elif number == 4:
            no_password = _no_password(payload(content, "user options"))
    return AuthUser(name, tuple(roles), no_password)


def _no_password(options: memoryview) -> bool:
    found = False
    for number, _, content in fields(options):
        if number == 1:
            found = flag(content, "no_password")
    return found


def _role(_key: bytes, value: bytes) -> AuthRole:
    name, permissions = "", []
    for number, _, content in fields(value):
        if number == 1:
            name = _name(content)
        elif number == 2:
            permissions.append(_permission(payload(content, "permission")))
    return AuthRole(name, tuple(permissions))


def _permission(data: memoryview) -> Permission:
    kind, key, range_end = 0, b"", b""
    for number, _, content in fields(data):
        if number == 1:
            kind = whole_number(content, "kind of permission")
        elif number == 2:
            key = bytes(payload(content, "key of a permission"))
        elif number == 3:
            range_end = bytes(payload(content, "end of a permission"))
    return Permission(_PERMISSIONS.get(kind, str(kind)), key, range_end)


def _name(content: int | memoryview) -> str:
    return bytes(payload(content, "name")).decode(errors="backslashreplace")
