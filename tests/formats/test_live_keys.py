"""How many keys exist."""

from hypothesis import given
from hypothesis import strategies as st
from mvcc_builder import Event, database_of

from requorum.formats.bbolt.columns import FileBytes
from requorum.formats.live_keys import KeyPrints, live_key_count
from requorum.formats.records import scan_all
from requorum.formats.user_keys import user_keys

HISTORY = st.lists(st.tuples(st.binary(min_size=1, max_size=2), st.booleans()), max_size=30)


@given(HISTORY, st.integers(1, 30))
def test_live_key_count(history: list[tuple[bytes, bool]], per_part: int) -> None:
    """A key lives whose last record is a put, wherever the records are divided."""
    events = [
        Event(row + 2, 0, key, b"v" if put else None) for row, (key, put) in enumerate(history)
    ]
    database = database_of(events)
    file, records = FileBytes(database.source), scan_all(database)
    parts = []
    for begin in range(0, len(records), per_part):
        part = records.take(slice(begin, begin + per_part))
        parts.append(KeyPrints.of(file, user_keys(file, part), part.tombstone))
    last = {key: put for key, put in history}  # noqa: C416  # the last one counts
    assert live_key_count(file, parts) == sum(last.values())
