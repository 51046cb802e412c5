"""What a request about users and roles asks for. Passwords, hashes and tokens are passed over.

Source: etcd api/etcdserverpb/rpc.proto (Auth…Request), raft_internal.proto. The fields that hold
secrets (password, hashedPassword, simple_token) are never looked at: what is never held can never
be shown.
"""

from dataclasses import dataclass
from typing import NamedTuple

from requorum.formats import wire
from requorum.formats.message import Message

_FIRST_NUMBER, _LAST_NUMBER = 1000, 1299
_PERMISSIONS = {0: "READ", 1: "WRITE", 2: "READWRITE"}


@dataclass(frozen=True, slots=True)
class KeyPermission:
    r"""Keys [key, range_end), or `key` alone; b"\0" is to the end.

    `access` is READ, WRITE, READWRITE or an unknown one's number; "" where it is revoked.
    """

    access: str
    key: bytes
    range_end: bytes


@dataclass(frozen=True, slots=True)
class AuthRequest:
    """`operation` as `requests.Auth` names it; `user` and `role` are "" where it names none."""

    operation: str
    user: str = ""
    role: str = ""
    permission: KeyPermission | None = None


class _Shape(NamedTuple):
    """In which field a request has which name; 0 where it has none."""

    user: int = 0
    role: int = 0


_SHAPES = {
    "authenticate": _Shape(user=1),
    "auth_user_add": _Shape(user=1),
    "auth_user_delete": _Shape(user=1),
    "auth_user_get": _Shape(user=1),
    "auth_user_change_password": _Shape(user=1),
    "auth_user_grant_role": _Shape(user=1, role=2),
    "auth_user_revoke_role": _Shape(user=1, role=2),
    "auth_role_add": _Shape(role=1),
    "auth_role_delete": _Shape(role=1),
    "auth_role_get": _Shape(role=1),
    "auth_role_grant_permission": _Shape(role=1),
    "auth_role_revoke_permission": _Shape(role=1),
}


def decode_auth_request(data: bytes | memoryview, operation: str) -> AuthRequest:
    """Decode an entry's data, which `decode_request` found to be that; DamagedInput as there."""
    fields = Message(_content(data))
    shape = _SHAPES.get(operation, _Shape())
    return AuthRequest(
        operation=operation,
        user=fields.text(shape.user) if shape.user else "",
        role=fields.text(shape.role) if shape.role else "",
        permission=_permission(fields, operation),
    )


def _content(data: bytes | memoryview) -> memoryview:
    for number, _, value in wire.fields(data):
        if _FIRST_NUMBER <= number <= _LAST_NUMBER:
            return wire.payload(value, "a request about users and roles")
    return memoryview(b"")


def _permission(fields: Message, operation: str) -> KeyPermission | None:
    if operation == "auth_role_grant_permission":
        granted = Message(fields.content(2))
        access = granted.unsigned(1)
        name = _PERMISSIONS.get(access, str(access))
        return KeyPermission(name, granted.content(2), granted.content(3))
    if operation == "auth_role_revoke_permission":
        return KeyPermission("", fields.content(2), fields.content(3))
    return None
