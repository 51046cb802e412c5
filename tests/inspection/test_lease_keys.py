"""What a revocation deleted: as far as the log tells, and a database."""

from collections.abc import Iterable, Mapping

from made_wal import (
    delete,
    lease_grant,
    lease_revoke,
    mod_equals,
    op_delete,
    op_put,
    put,
    request,
    txn,
)

from requorum.formats.raftpb import Entry, EntryType
from requorum.formats.wire import field_bytes, field_varint
from requorum.inspection.entry_story import tell
from requorum.inspection.key_choice import KeyChoice
from requorum.inspection.lease_keys import (
    EVERY_KEY,
    RANGE_SEARCH_MAX,
    DatabaseLeases,
    LeaseKeys,
    RevokedKeys,
)

LEASE, OTHER = 5, 6


def revoked(
    contents: Iterable[bytes],
    *,
    choice: KeyChoice = EVERY_KEY,
    database: DatabaseLeases | None = None,
    first: int = 1,
) -> list[RevokedKeys]:
    """Follow entries of that content; return what the revocations among them deleted."""
    keys = LeaseKeys(choice, database)
    found = [
        keys.follow(index, tell(Entry(EntryType.NORMAL, 2, index, data)))
        for index, data in enumerate(contents, start=first)
    ]
    return [each for each in found if each is not None]


def keys_of(*contents: bytes) -> tuple[bytes, ...]:
    """Return the keys that the last entry, a revocation, deleted."""
    return revoked(contents)[-1].keys


def db(
    index: int, attached: Mapping[bytes, int], deleted: Mapping[int, Iterable[bytes]] | None = None
) -> DatabaseLeases:
    """Return what a database says."""
    gone = {lease: frozenset(keys) for lease, keys in (deleted or {}).items()}
    return DatabaseLeases(index, attached, gone)


def test_keys_put_with_the_lease() -> None:
    """In order; and since the grant was read, there are no others."""
    contents = [lease_grant(LEASE), put(b"b", lease=LEASE), put(b"a", lease=LEASE)]
    assert revoked([*contents, lease_revoke(LEASE)]) == [RevokedKeys((b"a", b"b"), complete=True)]


def test_a_lease_that_was_granted_before_the_log_begins() -> None:
    """There may be keys that nobody tells."""
    found = revoked([put(b"a", lease=LEASE), lease_revoke(LEASE), lease_revoke(OTHER)])
    assert found == [RevokedKeys((b"a",), complete=False), RevokedKeys((), complete=False)]


def test_a_key_that_lost_its_lease() -> None:
    """Put without one, put with another one, or deleted: it is not deleted by the revocation."""
    leased = put(b"a", lease=LEASE)
    assert keys_of(leased, put(b"a"), lease_revoke(LEASE)) == ()
    assert keys_of(leased, put(b"a", lease=OTHER), lease_revoke(LEASE)) == ()
    assert keys_of(leased, delete(b"a"), lease_revoke(LEASE)) == ()
    assert keys_of(leased, delete(b"", b"\0"), lease_revoke(LEASE)) == ()
    assert keys_of(leased, delete(b"b"), lease_revoke(LEASE)) == (b"a",)


def test_a_put_that_keeps_the_lease() -> None:
    """It takes no lease off."""
    kept = request(4, field_bytes(1, b"a") + field_varint(6, 1))
    assert keys_of(put(b"a", lease=LEASE), kept, lease_revoke(LEASE)) == (b"a",)


def test_what_a_transaction_may_have_done() -> None:
    """Its puts count as possible, its deletes and new leases take nothing off."""
    branch = [op_put(b"a", lease=OTHER), op_delete(b"b")]
    contents = [put(b"a", lease=LEASE), put(b"b", lease=LEASE), txn([mod_equals(b"a", 1)], branch)]
    assert keys_of(*contents, lease_revoke(LEASE)) == (b"a", b"b")
    assert keys_of(*contents, lease_revoke(LEASE), lease_revoke(OTHER)) == (b"a",)


def test_what_a_transaction_cannot_have_done() -> None:
    """Without a comparison its branch for failure never runs, so no key has the lease of there."""
    never = txn([], [op_put(b"a")], [op_put(b"b", lease=LEASE)])
    assert keys_of(never, lease_revoke(LEASE)) == ()
    perhaps = txn([mod_equals(b"a", 1)], [], [op_put(b"b", lease=LEASE)])
    assert keys_of(perhaps, lease_revoke(LEASE)) == (b"b",)


def test_a_lease_is_revoked_once() -> None:
    """Its keys are gone with it."""
    contents = [put(b"a", lease=LEASE), lease_revoke(LEASE), lease_revoke(LEASE)]
    assert [found.keys for found in revoked(contents)] == [(b"a",), ()]


def test_only_keys_that_are_asked_for() -> None:
    """Nothing is remembered of others."""
    contents = [put(b"/a/1", lease=LEASE), put(b"/b/1", lease=LEASE), lease_revoke(LEASE)]
    (found,) = revoked(contents, choice=KeyChoice(b"/a/", is_prefix=True))
    assert found.keys == (b"/a/1",)


def test_a_gap_makes_everything_uncertain() -> None:
    """The entry that is missing may have put a key with the lease."""
    keys = LeaseKeys()
    keys.follow(1, tell(Entry(EntryType.NORMAL, 2, 1, lease_grant(LEASE))))
    found = keys.follow(3, tell(Entry(EntryType.NORMAL, 2, 3, lease_revoke(LEASE))))
    assert found == RevokedKeys((), complete=False)


def test_a_database_behind_which_the_log_goes_on() -> None:
    """It knows every lease, so the answer is complete; the log before it is not asked."""
    contents = [put(b"x", lease=LEASE), put(b"y"), put(b"z", lease=LEASE), lease_revoke(LEASE)]
    known = db(2, {b"a": LEASE, b"b": OTHER})
    assert revoked(contents, database=known) == [RevokedKeys((b"a", b"z"), complete=True)]


def test_a_database_of_before_the_log_begins() -> None:
    """Its keys may have changed since: they are told, and not as all of them."""
    found = revoked([put(b"x"), lease_revoke(LEASE)], database=db(3, {b"a": LEASE}), first=10)
    assert found == [RevokedKeys((b"a",), complete=False)]


def test_a_database_that_has_applied_the_revocation() -> None:
    """Its history tells which keys were put with the lease and are deleted."""
    found = revoked([lease_revoke(LEASE)], database=db(9, {}, {LEASE: [b"a"], OTHER: [b"b"]}))
    assert found == [RevokedKeys((b"a",), complete=False)]
    choice = KeyChoice(b"z")
    (other,) = revoked(
        [lease_revoke(LEASE)], choice=choice, database=db(9, {b"z": LEASE}, {LEASE: [b"a"]})
    )
    assert other.keys == ()


def test_many_leased_keys_and_a_deleted_range() -> None:
    """Beyond a bound the range takes none of them off: each answer is a "may" anyway."""
    many = [put(b"%06d" % n, lease=LEASE) for n in range(RANGE_SEARCH_MAX + 1)]
    assert len(keys_of(*many, delete(b"", b"\0"), lease_revoke(LEASE))) == len(many)
