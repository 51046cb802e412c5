"""How users, roles and what they may do are shown as text."""

import base64
from collections.abc import Iterator

from requorum.app.inspect.database.results import (
    AuthResult,
    PermissionResult,
    RoleResult,
    UserResult,
)
from requorum.cli.render.aligned_text import Row, listed
from requorum.cli.render.key_text import shown_key
from requorum.formats.auth_store import OPEN_END


def auth_rows(auth: AuthResult) -> Iterator[Row]:
    """Yield the rows; a store without users and roles has one."""
    yield "auth", f"{'on' if auth.enabled else 'off'}, revision {auth.revision}"
    yield from listed("users", map(_user_text, auth.users))
    yield from listed("roles", map(_role_text, auth.roles))


def _user_text(user: UserResult) -> str:
    roles = ", ".join(user.roles) or "no role"
    return f"{user.name}: {roles}{'; by certificate only' if user.no_password else ''}"


def _role_text(role: RoleResult) -> str:
    if role.name == "root":
        return "root: everything"
    return f"{role.name}: {'; '.join(map(_permission_text, role.permissions)) or 'nothing'}"


def _permission_text(permission: PermissionResult) -> str:
    key = _bytes(permission.key, permission.key_base64)
    end = _bytes(permission.range_end, permission.range_end_base64)
    return f"{permission.access} {range_text(key, end)}"


def range_text(key: bytes, end: bytes) -> str:
    """Return which keys a range means, as etcdctl says it."""
    first = shown_key(key)
    if not end:
        return first
    if end == OPEN_END:
        return "all keys" if key in (b"", OPEN_END) else f"all keys from {first} on"
    if end == _behind_prefix(key):
        return f"all keys below {first}" if key.endswith(b"/") else f"all keys with {first}…"
    return f"from {first} up to {shown_key(end)}"


def _behind_prefix(prefix: bytes) -> bytes:
    """Return the first key behind all that begin with a prefix."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else OPEN_END


def _bytes(text: str | None, in_base64: str | None) -> bytes:
    return base64.b64decode(in_base64) if in_base64 is not None else (text or "").encode()
