"""Users, roles and permissions while a log is replayed: who may do what, and what entries change.

Hashes of passwords are carried over as bytes from entries to rows. They are never shown, and no
`repr` here tells them.

Source: etcd server/auth/store.go.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from requorum.formats import wire
from requorum.formats.message import Message
from requorum.inspection.salvage.other_buckets import AUTH, ROLES, ROOT, USERS

READ, WRITE, READWRITE = range(3)
_OPEN_END = b"\0"
_FIRST_REQUEST, _LAST_REQUEST = 1000, 1299


@dataclass(frozen=True, slots=True)
class User:
    """`password` is a bcrypt hash; empty where there is none, or none that could be made."""

    roles: tuple[str, ...]
    password: bytes = field(repr=False)
    no_password: bool


@dataclass(frozen=True, slots=True)
class Grant:
    """What a role may do with the keys [key, range_end), or `key` alone."""

    kind: int
    key: bytes
    range_end: bytes


class Rejected(Exception):  # an outcome, not a fault
    """etcd turned the request down: it changed nothing."""


@dataclass(slots=True)
class AuthState:
    """All of it. `was_enabled`: auth was switched on once.

    `unusable` are users whose password the log has only in plain text.

    etcd 3.4 hashes on each member by itself; we have no bcrypt, and such a user needs a new one.
    """

    enabled: bool = False
    was_enabled: bool = False
    revision: int = 1
    users: dict[str, User] = field(default_factory=dict)
    roles: dict[str, tuple[Grant, ...]] = field(default_factory=dict)
    unusable: set[str] = field(default_factory=set)

    def check_put(self, user: str, revision: int, key: bytes) -> None:
        """Raise Rejected unless the user may write the key."""
        self._check(user, revision, key, b"", WRITE)

    def check_range(self, user: str, revision: int, key: bytes, range_end: bytes) -> None:
        """Raise Rejected unless the user may read the range."""
        self._check(user, revision, key, range_end, READ)

    def check_delete(self, user: str, revision: int, key: bytes, range_end: bytes) -> None:
        """Raise Rejected unless the user may delete the range."""
        self._check(user, revision, key, range_end, WRITE)

    def is_admin(self, user: str) -> bool:
        """Return whether the user may do everything; all may where auth is off."""
        return not self.enabled or (user in self.users and ROOT in self.users[user].roles)

    def _check(self, user: str, revision: int, key: bytes, range_end: bytes, kind: int) -> None:
        if not self.enabled:
            return
        if revision < self.revision or user not in self.users:
            raise Rejected
        if ROOT in self.users[user].roles:
            return
        grants = (g for role in self.users[user].roles for g in self.roles.get(role, ()))
        spans = [_span(g.key, g.range_end) for g in grants if g.kind in (kind, READWRITE)]
        if not _covered(*_span(key, range_end), spans):
            raise Rejected

    def apply(self, kind: str, data: bytes | memoryview, user: str) -> None:
        """Apply an entry's request; Rejected where etcd turns it down."""
        if kind not in _CHANGES:
            return
        if not self.is_admin(user):
            raise Rejected
        _CHANGES[kind](self, Message(_content(data)))

    def rows(self) -> dict[bytes, dict[bytes, bytes]]:
        """Return the rows of the three buckets."""
        auth = {b"authRevision": self.revision.to_bytes(8, "big")}
        if self.enabled or self.was_enabled:
            auth[b"authEnabled"] = bytes([self.enabled])
        return {
            AUTH: auth,
            USERS: {_bytes(n): _user_row(n, u) for n, u in self.users.items()},
            ROLES: {_bytes(n): _role_row(n, g) for n, g in self.roles.items()},
        }


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _text(name: bytes | memoryview) -> str:
    return bytes(name).decode("utf-8", "surrogateescape")


def read_auth_state(rows: Mapping[bytes, Mapping[bytes, bytes]]) -> AuthState:
    """Return the state that plausible rows describe."""
    auth = rows.get(AUTH, {})
    return AuthState(
        enabled=auth.get(b"authEnabled") == b"\x01",
        was_enabled=b"authEnabled" in auth,
        revision=int.from_bytes(auth.get(b"authRevision", b"\x01"), "big"),
        users={_text(key): _user(value) for key, value in rows.get(USERS, {}).items()},
        roles={_text(key): _grants(value) for key, value in rows.get(ROLES, {}).items()},
    )


def _user(value: bytes) -> User:
    message = Message(value)
    options = Message(message.content(4))
    roles = tuple(_text(role) for role in message.messages(3))
    return User(roles, message.content(2), options.flag(1))


def _user_row(name: str, user: User) -> bytes:
    row = wire.field_bytes(1, _bytes(name))
    row += wire.field_bytes(2, user.password) if user.password else b""
    row += b"".join(wire.field_bytes(3, _bytes(role)) for role in user.roles)
    return row + wire.field_bytes(4, wire.field_varint(1, 1) if user.no_password else b"")


def _grants(value: bytes) -> tuple[Grant, ...]:
    return tuple(_grant(permission) for permission in Message(value).messages(2))


def _grant(data: bytes | memoryview) -> Grant:
    message = Message(data)
    return Grant(message.unsigned(1), message.content(2), message.content(3))


def _role_row(name: str, grants: tuple[Grant, ...]) -> bytes:
    row = wire.field_bytes(1, _bytes(name))
    for grant in grants:
        permission = wire.field_varint(1, grant.kind) if grant.kind else b""
        permission += wire.field_bytes(2, grant.key) if grant.key else b""
        permission += wire.field_bytes(3, grant.range_end) if grant.range_end else b""
        row += wire.field_bytes(2, permission)
    return row


def _span(key: bytes, range_end: bytes) -> tuple[bytes, bytes | None]:
    if not range_end:
        return key, key + b"\0"
    return key, None if range_end == _OPEN_END else range_end


def _covered(begin: bytes, end: bytes | None, spans: list[tuple[bytes, bytes | None]]) -> bool:
    """Return whether some spans together hold all of [begin, end)."""
    at = begin
    for first, last in sorted(spans, key=lambda span: span[0]):
        if first > at:
            return False
        if last is None:
            return True
        at = max(at, last)
        if end is not None and at >= end:
            return True
    return False


def _content(data: bytes | memoryview) -> memoryview:
    for number, _, value in wire.fields(data):
        if _FIRST_REQUEST <= number <= _LAST_REQUEST:
            return wire.payload(value, "a request about users and roles")
    return memoryview(b"")


def _known_user(auth: AuthState, name: str) -> User:
    if name not in auth.users:
        raise Rejected
    return auth.users[name]


def _known_role(auth: AuthState, name: str) -> tuple[Grant, ...]:
    if name not in auth.roles:
        raise Rejected
    return auth.roles[name]


def _hash_of(auth: AuthState, name: str, plain: bytes, hashed: bytes) -> bytes:
    if plain and not hashed:
        auth.unusable.add(name)
        return b""
    auth.unusable.discard(name)
    try:
        return base64.b64decode(hashed, validate=True)
    except binascii.Error as error:
        raise Rejected from error


def _enable(auth: AuthState, _request: Message) -> None:
    if ROOT not in _known_user(auth, ROOT).roles:
        raise Rejected
    auth.enabled = auth.was_enabled = True


def _disable(auth: AuthState, _request: Message) -> None:
    if auth.enabled:
        auth.enabled = False
        auth.revision += 1


def _user_add(auth: AuthState, request: Message) -> None:
    name = _text(request.content(1))
    if not name or name in auth.users:
        raise Rejected
    no_password = Message(request.content(3)).flag(1)
    password = b"" if no_password else _hash_of(auth, name, request.content(2), request.content(4))
    auth.users[name] = User((), password, no_password)
    auth.revision += 1


def _user_delete(auth: AuthState, request: Message) -> None:
    name = _text(request.content(1))
    _known_user(auth, name)
    if auth.enabled and name == ROOT:
        raise Rejected
    del auth.users[name]
    auth.revision += 1


def _user_change_password(auth: AuthState, request: Message) -> None:
    name = _text(request.content(1))
    user = _known_user(auth, name)
    if not user.no_password:
        password = _hash_of(auth, name, request.content(2), request.content(3))
        auth.users[name] = replace(user, password=password)
    auth.revision += 1


def _user_grant_role(auth: AuthState, request: Message) -> None:
    name, role = _text(request.content(1)), _text(request.content(2))
    user = _known_user(auth, name)
    if role != ROOT:
        _known_role(auth, role)
    if role not in user.roles:
        roles = tuple(sorted((*user.roles, role), key=_bytes))
        auth.users[name] = replace(user, roles=roles)
        auth.revision += 1


def _user_revoke_role(auth: AuthState, request: Message) -> None:
    name, role = _text(request.content(1)), _text(request.content(2))
    user = _known_user(auth, name)
    if role not in user.roles or (auth.enabled and name == role == ROOT):
        raise Rejected
    auth.users[name] = replace(user, roles=tuple(r for r in user.roles if r != role))
    auth.revision += 1


def _role_add(auth: AuthState, request: Message) -> None:
    name = _text(request.content(1))
    if not name or name in auth.roles:
        raise Rejected
    auth.roles[name] = ()
    auth.revision += 1


def _role_delete(auth: AuthState, request: Message) -> None:
    name = _text(request.content(1))
    _known_role(auth, name)
    if auth.enabled and name == ROOT:
        raise Rejected
    del auth.roles[name]
    for user, known in auth.users.items():
        auth.users[user] = replace(known, roles=tuple(r for r in known.roles if r != name))
    auth.revision += 1


def _role_grant(auth: AuthState, request: Message) -> None:
    name, grant = _text(request.content(1)), _grant(request.content(2))
    grants = _known_role(auth, name)
    closed = grant.range_end and grant.range_end != _OPEN_END
    if not grant.key or (closed and grant.range_end <= grant.key):
        raise Rejected
    same = [(g.key, g.range_end) == (grant.key, grant.range_end) for g in grants]
    others = tuple(g for g, hit in zip(grants, same, strict=True) if not hit)
    auth.roles[name] = tuple(sorted((*others, grant), key=lambda g: g.key))
    auth.revision += 1


def _role_revoke(auth: AuthState, request: Message) -> None:
    name, span = _text(request.content(1)), (request.content(2), request.content(3))
    grants = _known_role(auth, name)
    left = tuple(g for g in grants if (g.key, g.range_end) != span)
    if len(left) == len(grants):
        raise Rejected
    auth.roles[name] = left
    auth.revision += 1


_CHANGES: dict[str, Callable[[AuthState, Message], None]] = {
    "auth_enable": _enable,
    "auth_disable": _disable,
    "auth_user_add": _user_add,
    "auth_user_delete": _user_delete,
    "auth_user_change_password": _user_change_password,
    "auth_user_grant_role": _user_grant_role,
    "auth_user_revoke_role": _user_revoke_role,
    "auth_role_add": _role_add,
    "auth_role_delete": _role_delete,
    "auth_role_grant_permission": _role_grant,
    "auth_role_revoke_permission": _role_revoke,
}
