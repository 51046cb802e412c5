"""What is shown of a file: aligned, in etcdctl's words, and nothing that a terminal obeys."""

import pytest
from rich.console import Console

from requorum.app.inspect.database.results import (
    AuthResult,
    LargestResult,
    PermissionResult,
    RankedResult,
    RoleResult,
    UsageResult,
    UserResult,
)
from requorum.cli.render.aligned_text import listed, plain, print_columns, print_rows
from requorum.cli.render.auth import auth_rows, range_text
from requorum.cli.render.largest import show_largest


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what was printed on stdout."""
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ä \\ text", "plain ä \\ text"),
        ("a\x1b[2Jb\nc", "a\\x1b[2Jb\\nc"),
        ("\u202ex", "\\u202ex"),
        ("name\udcff", "name\\xff"),
    ],
)
def test_no_control_characters(text: str, shown: str) -> None:
    """They are escaped as Go's %q escapes them; the rest stays."""
    assert plain(text) == shown


def test_rows_and_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """Texts stand below each other; numbers end below each other."""
    out = Console(width=100)
    print_rows(out, [("one", "1"), *listed("members", ["a", "b\t"]), ("empty", "")])
    print_columns(out, ("bytes", "key"), [("5", "[bold]k"), ("123456", "long key")], left=1)
    assert printed(capsys).splitlines() == [
        "one      1",
        "members  a",
        "         b\\t",
        "empty",
        " bytes  key",
        "     5  [bold]k",
        "123456  long key",
    ]


@pytest.mark.parametrize(
    ("key", "end", "shown"),
    [
        (b"one", b"", "one"),
        (b"/registry/", b"/registry0", "all keys below /registry/"),
        (b"app", b"apq", "all keys with app…"),
        (b"a", b"m", "from a up to m"),
        (b"a", b"\0", "all keys from a on"),
        (b"\0", b"\0", "all keys"),
        (b"", b"\0", "all keys"),
        (b"\xff\xff", b"\0", 'all keys from "\\xff\\xff" on'),
        (b"a\xff", b"b", 'all keys with "a\\xff"…'),
        (b"\x1b", b"", '"\\x1b"'),
    ],
)
def test_ranges(key: bytes, end: bytes, shown: str) -> None:
    """A range is said as a prefix where it is one."""
    assert range_text(key, end) == shown


def permission(key: str, end: str) -> PermissionResult:
    """Return a permission to read."""
    return PermissionResult(
        access="READ", key=key, key_base64=None, range_end=end, range_end_base64=None
    )


def test_users_and_roles() -> None:
    """Each with what it has; `root` has everything."""
    auth = AuthResult(
        enabled=True,
        revision=9,
        users=(
            UserResult(name="app", roles=("reader",), no_password=True),
            UserResult(name="nobody", roles=(), no_password=False),
        ),
        roles=(
            RoleResult(name="reader", permissions=(permission("a", ""), permission("/x/", "/x0"))),
            RoleResult(name="idle", permissions=()),
            RoleResult(name="root", permissions=()),
        ),
    )
    assert list(auth_rows(auth)) == [
        ("auth", "on, revision 9"),
        ("users", "app: reader; by certificate only"),
        ("", "nobody: no role"),
        ("roles", "reader: READ a; READ all keys below /x/"),
        ("", "idle: nothing"),
        ("", "root: everything"),
    ]


def usage(count: int) -> UsageResult:
    """Return what some keys take."""
    return UsageResult(
        keys=count, revisions=2 * count, bytes=100 * count, bytes_live=60 * count,
        bytes_history=40 * count,
    )  # fmt: skip  # one object


def test_largest(capsys: pytest.CaptureFixture[str]) -> None:
    """The total, then each ranking that has something in it; names that are no text are quoted."""
    ranked = (
        RankedResult(name="/a b", name_base64=None, usage=usage(2)),
        RankedResult(name=None, name_base64="/w==", usage=usage(1)),
    )
    result = LargestResult(
        total=usage(4), undecoded=0,
        prefixes_by_bytes=ranked, prefixes_by_revisions=(), keys_by_bytes=(), keys_by_revisions=(),
    )  # fmt: skip  # one object
    show_largest(Console(width=100), result)
    assert printed(capsys).splitlines() == [
        "",
        (
            "8 revisions take 400 B: 240 B the 4 keys that exist, 160 B their history, which a "
            "compaction lets go"
        ),
        "",
        "bytes  share   live  history  keys  revisions  prefixes by bytes",
        '200 B    50%  120 B     80 B     2          4  "/a b"',
        '100 B    25%   60 B     40 B     1          2  "\\xff"',
    ]
