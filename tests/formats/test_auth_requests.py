"""Requests about users and roles, and that no secret comes out of them."""

import pytest
from made_wal import request

from requorum.errors import DamagedInput
from requorum.formats.auth_requests import AuthRequest, KeyPermission, decode_auth_request
from requorum.formats.wire import field_bytes, field_varint

PERMISSION = field_varint(1, 2) + field_bytes(2, b"/a") + field_bytes(3, b"/b")


def name(text: str, number: int = 1) -> bytes:
    """Return a field with a name."""
    return field_bytes(number, text.encode())


@pytest.mark.parametrize(
    ("number", "content", "expected"),
    [
        (1000, b"", AuthRequest("auth_enable")),
        (1012, name("u") + name("secret", 2), AuthRequest("authenticate", user="u")),
        (1100, name("u") + name("secret", 2), AuthRequest("auth_user_add", user="u")),
        (1101, name("u"), AuthRequest("auth_user_delete", user="u")),
        (1103, name("u") + name("x", 2), AuthRequest("auth_user_change_password", user="u")),
        (1104, name("u") + name("r", 2), AuthRequest("auth_user_grant_role", user="u", role="r")),
        (1105, name("u") + name("r", 2), AuthRequest("auth_user_revoke_role", user="u", role="r")),
        (1107, b"", AuthRequest("auth_role_list")),
        (1200, name("r"), AuthRequest("auth_role_add", role="r")),
        (
            1203,
            name("r") + field_bytes(2, PERMISSION),
            AuthRequest(
                "auth_role_grant_permission",
                role="r",
                permission=KeyPermission("READWRITE", b"/a", b"/b"),
            ),
        ),
        (
            1204,
            name("r") + field_bytes(2, b"/a") + field_bytes(3, b"\0"),
            AuthRequest(
                "auth_role_revoke_permission",
                role="r",
                permission=KeyPermission("", b"/a", b"\0"),
            ),
        ),
    ],
)
def test_requests(number: int, content: bytes, expected: AuthRequest) -> None:
    """Names and permissions are told."""
    assert decode_auth_request(request(number, content), expected.operation) == expected


@pytest.mark.parametrize("number", [1012, 1100, 1103])
def test_no_secret_is_held(number: int) -> None:
    """Passwords, hashes and tokens are in no field of what is decoded."""
    content = name("u") + name("hunter2", 2) + name("$2a$10$hash", 3) + name("$2a$10$hash", 4)
    operation = {1012: "authenticate", 1100: "auth_user_add", 1103: "auth_user_change_password"}
    shown = repr(decode_auth_request(request(number, content), operation[number]))
    assert "hunter2" not in shown
    assert "$2a$" not in shown


def test_an_unknown_access_is_its_number() -> None:
    """A later etcd may have more of them."""
    content = name("r") + field_bytes(2, field_varint(1, 9))
    found = decode_auth_request(request(1203, content), "auth_role_grant_permission")
    assert found.permission == KeyPermission("9", b"", b"")


def test_garbage_is_damage() -> None:
    """As everywhere in the formats."""
    with pytest.raises(DamagedInput):
        decode_auth_request(request(1200, b"\xff"), "auth_role_add")
