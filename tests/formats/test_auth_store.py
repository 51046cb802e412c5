"""Users and roles out of a backend; a password hash never gets beyond the file."""

import bbolt_builder
import pytest

from requorum.errors import DamagedInput
from requorum.formats.auth_store import (
    NO_AUTH,
    AuthRole,
    AuthStore,
    AuthUser,
    Permission,
    read_auth_store,
)
from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.damage import DamageLog
from requorum.formats.wire import field_bytes, field_varint

HASH = b"$2a$10$abcdefghijklmnopqrstuv"


def user(name: bytes, *roles: bytes, no_password: bool = False) -> tuple[bytes, bytes]:
    """Return a row of `authUsers`."""
    value = field_bytes(1, name) + field_bytes(2, HASH)
    value += b"".join(field_bytes(3, role) for role in roles)
    return name, value + field_bytes(4, field_varint(1, 1) if no_password else b"")


def role(name: bytes, *permissions: tuple[int, bytes, bytes]) -> tuple[bytes, bytes]:
    """Return a row of `authRoles`."""
    value = field_bytes(1, name)
    for kind, key, end in permissions:
        fields = field_varint(1, kind) if kind else b""
        fields += field_bytes(2, key) + (field_bytes(3, end) if end else b"")
        value += field_bytes(2, fields)
    return name, value


def store_of(**buckets: list[tuple[bytes, bytes]]) -> Database:
    """Return a database with those buckets."""
    return Database(bbolt_builder.build({n.encode(): rows for n, rows in buckets.items()}).source)


def test_everything() -> None:
    """Users with their roles, roles with their permissions, in the order of their names."""
    database = store_of(
        auth=[(b"authEnabled", b"\x01"), (b"authRevision", (7).to_bytes(8, "big"))],
        authUsers=[user(b"root", b"root"), user(b"app", b"reader", b"writer", no_password=True)],
        authRoles=[
            role(b"reader", (0, b"/a/", b"/a0"), (9, b"k", b"")),
            role(b"root"),
            role(b"writer", (2, b"\0", b"\0"), (1, b"one", b"")),
        ],
    )
    assert read_auth_store(database) == AuthStore(
        enabled=True,
        revision=7,
        users=(
            AuthUser("app", ("reader", "writer"), no_password=True),
            AuthUser("root", ("root",), no_password=False),
        ),
        roles=(
            AuthRole("reader", (Permission("READ", b"/a/", b"/a0"), Permission("9", b"k", b""))),
            AuthRole("root", ()),
            AuthRole(
                "writer",
                (Permission("READWRITE", b"\0", b"\0"), Permission("WRITE", b"one", b"")),
            ),
        ),
    )


def test_nothing_there() -> None:
    """A store in which nobody ever made a user."""
    assert read_auth_store(store_of()) == NO_AUTH


@pytest.mark.parametrize(
    ("bucket", "row"),
    [
        ("auth", (b"authRevision", b"\1")),
        ("authUsers", (b"u", b"\xff")),
        ("authUsers", (b"u", field_varint(1, 4))),
        ("authUsers", (b"u", field_bytes(4, field_bytes(1, b"")))),
        ("authRoles", (b"r", field_bytes(2, field_varint(2, 3)))),
        ("authRoles", (b"r", field_bytes(2, field_bytes(1, b"x")))),
    ],
)
def test_malformed_rows(bucket: str, row: tuple[bytes, bytes]) -> None:
    """A malformed row is damage; with a log it hides none of the others."""
    with pytest.raises(DamagedInput):
        read_auth_store(store_of(**{bucket: [row]}))
    rows = {"authUsers": [user(b"z")], "authRoles": [role(b"z")]}
    rows.setdefault(bucket, []).append(row)
    log = DamageLog()
    found = read_auth_store(store_of(**rows), log)
    assert [u.name for u in found.users] == ["z"]
    assert [r.name for r in found.roles] == ["z"]
    assert [damage.what.split(":")[0] for damage in log.kept] == [f"bucket {bucket}"]


def test_the_hash_is_nowhere() -> None:
    """Neither what is read nor what is said of a malformed row holds a part of it."""
    cut = (b"u", user(b"u")[1] + b"\x0a\x7f")
    log = DamageLog()
    found = read_auth_store(store_of(authUsers=[user(b"a"), cut]), log)
    assert log.total == 1
    assert HASH.decode() not in f"{found} {log.kept}"
