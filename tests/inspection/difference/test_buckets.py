"""What differs besides the keys."""

import bbolt_builder

from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.page import FLAG_LEAF
from requorum.inspection.difference.buckets import BucketDifference, compare_buckets


def database_of(**buckets: dict[bytes, bytes]) -> Database:
    """Return a database with some buckets."""
    rows = {name.encode(): list(content.items()) for name, content in buckets.items()}
    return Database(bbolt_builder.build(rows).source)


def test_rows_are_counted() -> None:
    """Added, removed and changed; equal buckets, and what each member has of its own, are not."""
    a = database_of(lease={b"1": b"", b"2": b""}, authUsers={b"root": b"x"}, meta={b"term": b"1"})
    b = database_of(lease={b"2": b"", b"3": b""}, authUsers={b"root": b"y"}, meta={b"term": b"2"})
    assert compare_buckets(a, b) == (
        BucketDifference("authUsers", 0, 0, 1),
        BucketDifference("lease", 1, 1, 0),
    )


def test_a_bucket_that_one_side_does_not_have() -> None:
    """It is an empty one."""
    a, b = database_of(alarm={}), database_of(alarm={b"a": b""}, auth={})
    assert compare_buckets(a, b) == (BucketDifference("alarm", 1, 0, 0),)


def test_a_damaged_bucket_says_nothing() -> None:
    """Damage is listed elsewhere; here it must not look like a difference."""
    built = bbolt_builder.build({b"lease": [(b"1", b"")]})
    number = next(n for n, page in built.pages.items() if page[8] == FLAG_LEAF and n != built.root)
    built.pages[number] = bytes(4096)
    assert compare_buckets(database_of(lease={b"1": b""}), Database(built.source)) == ()
