"""One line for each record of a log."""

from typing import Any

import pytest

from requorum.app.inspect.wal.results import (
    AlarmDetail,
    AuthDetail,
    ClusterVersionDetail,
    CompactionDetail,
    CrcDetail,
    DamageDetail,
    Detail,
    DowngradeDetail,
    HardStateDetail,
    KeyPermissionDetail,
    LeaseCheckpointDetail,
    LeaseGrantDetail,
    LeaseRemaining,
    LeaseRevokeDetail,
    MemberAttributesDetail,
    MembershipDetail,
    MetadataDetail,
    SnapshotDetail,
    TxnDetail,
    UndecodableDetail,
    UnknownDetail,
    V2Detail,
    WalCompare,
    WalKey,
    WalOperation,
    WalRecord,
)
from requorum.cli.render.wal_words import words

LEASE = "694d71ddacfda227"


def record(kind: str = "put", **fields: Any) -> WalRecord:
    """Return a record of that kind."""
    return WalRecord(kind=kind, segment="0.wal", offset=0, size=8, **fields)


def operation(name: Any, key: str = "/a", **fields: Any) -> WalOperation:
    """Return an operation; a put has five bytes."""
    fields = {"branch": None, **({"value_size": 5} if name == "put" else {}), **fields}
    return WalOperation(operation=name, key=key, key_base64=None, **fields)


def compare(**fields: Any) -> WalCompare:
    """Return a comparison of the key's modification."""
    given: dict[str, Any] = {
        "branch": None, "target": "mod", "result": "equal", "key": "/a", "key_base64": None,
    }  # fmt: skip  # one line of defaults
    return WalCompare(**(given | fields))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (operation("put"), "/a = 5 bytes"),
        (operation("put", value_size=1), "/a = 1 byte"),
        (operation("put", value="x\ny"), r'/a = "x\ny"'),
        (operation("put", value_base64="/w=="), "/a = base64 /w=="),
        (operation("put", lease=LEASE), f"/a = 5 bytes, lease {LEASE}"),
        (operation("put", ignore_value=True), "/a with its old value"),
        (operation("put", ignore_lease=True), "/a = 5 bytes, with its old lease"),
        (operation("delete"), "/a"),
        (operation("delete", range_end="/b"), "every key with prefix /a"),
        (operation("delete", range_end="/c"), "every key from /a to before /c"),
        (operation("delete", range_end="\0"), "every key from /a on"),
        (operation("delete", key="\0", range_end="\0"), "every key"),
        (operation("delete", key="evil\x1b[2J"), r'"evil\x1b[2J"'),
    ],
)
def test_operations(found: WalOperation, said: str) -> None:
    """Keys are escaped, values hidden unless they were asked for."""
    assert words(record(operations=(found,))) == said


def test_a_key_that_is_no_text() -> None:
    """It is told from its base64."""
    raw = WalOperation(operation="delete", branch=None, key=None, key_base64="/wA=")
    assert words(record(operations=(raw,))) == r'"\xff\x00"'


@pytest.mark.parametrize(
    ("compares", "operations", "said"),
    [
        (
            [compare(number=7)],
            [operation("delete", branch="then"), operation("range", branch="else")],
            "if mod(/a) = 7 then delete /a else get /a",
        ),
        (
            [compare(number=7), compare(target="value", result="not-equal", value_size=3)],
            [operation("put", branch="then"), operation("delete", "/b", branch="then")],
            "if mod(/a) = 7 and value(/a) != 3 bytes then put /a = 5 bytes, delete /b",
        ),
        ([], [operation("put", branch="then")], "always put /a = 5 bytes"),
        (
            [],
            [
                operation("put", branch="then"),
                operation("delete", "/b", branch="else", runs="never"),
            ],
            "always put /a = 5 bytes else (never) delete /b",
        ),
        ([], [], "nothing"),
        ([compare(number=0, range_end="/b")], [], "if mod(every key with prefix /a) = 0"),
        (
            [compare(number=1), compare(branch="then[1]", target="version", number=2)],
            [
                operation("put", branch="then"),
                operation("put", "/b", branch="then[1].then"),
                operation("range", branch="else"),
            ],
            (
                "if mod(/a) = 1 then put /a = 5 bytes then[1] if version(/a) = 2 "
                "then[1].then put /b = 5 bytes else get /a"
            ),
        ),
    ],
)
def test_transactions(
    compares: list[WalCompare], operations: list[WalOperation], said: str
) -> None:
    """Conditions first, then each branch by its name."""
    found = record("txn", operations=tuple(operations), detail=TxnDetail(compares=tuple(compares)))
    assert words(found) == said


def permission(access: str, end: str | None) -> KeyPermissionDetail:
    """Return a permission on /a."""
    return KeyPermissionDetail(
        access=access, key="/a", key_base64=None, range_end=end, range_end_base64=None
    )


DETAILS: list[tuple[Detail, str]] = [
    (LeaseGrantDetail(lease=LEASE, ttl=60), f"{LEASE} for 60 s"),
    (
        LeaseRevokeDetail(lease=LEASE, keys=None, keys_complete=False),
        f"{LEASE} and delete its keys",
    ),
    (
        LeaseRevokeDetail(lease=LEASE, keys=(), keys_complete=True),
        f"{LEASE} and delete its keys: no key",
    ),
    (
        LeaseRevokeDetail(lease=LEASE, keys=(), keys_complete=False),
        f"{LEASE} and delete its keys: keys that nothing here tells",
    ),
    (
        LeaseRevokeDetail(
            lease=LEASE, keys=(WalKey(key="/a b", key_base64=None),), keys_complete=False
        ),
        f'{LEASE} and delete its keys: "/a b", and perhaps others',
    ),
    (
        LeaseCheckpointDetail(leases=(LeaseRemaining(lease=LEASE, remaining_ttl=9),) * 10),
        ", ".join([f"{LEASE} has 9 s left"] * 8) + " and 2 more",
    ),
    (CompactionDetail(revision=7, physical=True), "history before revision 7, physical"),
    (
        MembershipDetail(change="add-voter", member="ab", name="m1", peer_urls=("http://a", "u")),
        "add voter ab m1 at http://a, u",
    ),
    (MembershipDetail(change="remove", member="ab", name="", peer_urls=()), "remove member ab"),
    (
        MembershipDetail(change="promote", member="ab", name="\x1b", peer_urls=()),
        r'promote learner ab "\x1b"',
    ),
    (AuthDetail(operation="auth_enable", user="", role="", permission=None), "enable"),
    (
        AuthDetail(operation="auth_user_grant_role", user="u", role="r", permission=None),
        "user grant role: user u, role r",
    ),
    (
        AuthDetail(
            operation="auth_role_grant_permission",
            user="",
            role="r",
            permission=permission("READ", "/b"),
        ),
        "role grant permission: role r, READ every key with prefix /a",
    ),
    (
        AuthDetail(
            operation="auth_role_revoke_permission",
            user="",
            role="r",
            permission=permission("", None),
        ),
        "role revoke permission: role r, /a",
    ),
    (AlarmDetail(action="get", alarm="NONE", member="0"), "list the alarms"),
    (AlarmDetail(action="activate", alarm="NOSPACE", member="ab"), "activate NOSPACE of member ab"),
    (
        AlarmDetail(action="deactivate", alarm="CORRUPT", member="0"),
        "deactivate CORRUPT of all members",
    ),
    (
        V2Detail(method="PUT", path="/1/k", value_size=3, value=None, value_base64=None),
        "PUT /1/k = 3 bytes",
    ),
    (
        V2Detail(method="DELETE", path="/1/k", value_size=0, value=None, value_base64=None),
        "DELETE /1/k",
    ),
    (
        V2Detail(method="PUT", path="/0/m", value_size=9, value='{"a":"b"}', value_base64=None),
        'PUT /0/m = {"a":"b"}',
    ),
    (
        V2Detail(method="PUT", path="/1/k", value_size=2, value="\n\t", value_base64=None),
        r'PUT /1/k = "\n\t"',
    ),
    (ClusterVersionDetail(version="3.6.0"), "the cluster's version is 3.6.0"),
    (
        MemberAttributesDetail(member="ab", name="m1", client_urls=("http://a",)),
        "member ab is m1 and serves at http://a",
    ),
    (DowngradeDetail(enabled=True, version="3.5.0"), "downgrade to 3.5.0 begins"),
    (DowngradeDetail(enabled=False, version=""), "downgrade ends"),
    (UnknownDetail(field_numbers=(9900,)), "a request that is not known here, fields 9900"),
    (UndecodableDetail(problem="it is cut"), "cannot be decoded: it is cut"),
    (HardStateDetail(vote=None, commit=3), "commit 3, vote for nobody"),
    (SnapshotDetail(voters=None, learners=None), "a snapshot was saved"),
    (
        SnapshotDetail(voters=("a", "b"), learners=("c",)),
        "a snapshot was saved: voters a, b, learners c",
    ),
    (MetadataDetail(member="ab", cluster="cd"), "member ab of cluster cd"),
    (CrcDetail(crc="0000abcd"), "0000abcd: the checksum goes on from here"),
    (DamageDetail(what="flipped", lost=1, after_index=3), "flipped"),
]


@pytest.mark.parametrize(("detail", "said"), DETAILS)
def test_details(detail: Detail, said: str) -> None:
    """Each kind in its words; names that somebody chose are escaped."""
    assert words(record("any", detail=detail)) == said


def test_every_detail_has_words() -> None:
    """A kind that is added comes with its row above."""
    assert {type(detail) for detail, _ in DETAILS} | {TxnDetail} == set(Detail.__args__)


def test_an_empty_entry() -> None:
    """It has neither operations nor anything to tell."""
    assert words(record("noop")) == "a leader begins its term"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"standing": "current", "committed": True}, ""),
        ({"standing": "current", "committed": False}, " (not known to be committed)"),
        ({"standing": "superseded", "committed": False}, " (superseded)"),
        (
            {"standing": "superseded", "committed": False, "superseded_by_term": 9},
            " (superseded in term 9)",
        ),
        (
            {"standing": "doubtful", "committed": False},
            " (doubtful: a lost record may have replaced it)",
        ),
        ({"standing": "current", "committed": True, "user": "al ice"}, ' by user "al ice"'),
    ],
)
def test_what_an_entry_is_worth(fields: dict[str, Any], said: str) -> None:
    """Said behind what it is about; nothing where all is well."""
    assert words(record(operations=(operation("delete"),), **fields)) == f"/a{said}"
