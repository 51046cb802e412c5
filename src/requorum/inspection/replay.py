"""The records that make a staging member replay another cluster's log.

A staging member is made by etcd itself (`snapshot restore`) from the chosen database, as one of
two voters of which the other never exists. So it can never elect a leader: it applies what its log
says is committed, and nothing else can happen to it, no lease can expire and no client can write.
This module gives it the log: the winner's entries behind the database, renumbered from the
staging member's own last index on, and a hard state that commits them all.

See docs/decisions/0003-staging-without-a-leader.md for why, and for what was measured.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from requorum.formats.raftpb import (
    Entry,
    EntryType,
    HardState,
    encode_entry,
    encode_hard_state,
)
from requorum.formats.requests import (
    ClusterVersionSet,
    DowngradeInfoSet,
    MemberAttrSet,
    V2Request,
    decode_request,
)
from requorum.formats.wal import RecordType, frame
from requorum.inspection.completed_log import CompletedLog

TRAILING_EMPTY_ENTRIES = 4
"""Behind the last real entry, so that etcd's own snapshot trigger fires after it whatever the
batches are: with --snapshot-count=1 that commits the backend, and its consistent index tells us."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Bytes to append to the staging member's WAL.

    `last_real_index` is the renumbered index of the last entry that came from the cluster: when
    the staging database's consistent index has reached it, everything is in.
    """

    wal_suffix: bytes
    last_real_index: int
    last_index: int


def replay_onto(
    log: CompletedLog, *, after: int, staged_index: int, staged_term: int, running_crc: int
) -> Replay:
    """Return the WAL suffix that replays `log` behind index `after`.

    `staged_index`, `staged_term` and `running_crc` are where the staging member's own log ends.
    """
    out = bytearray()
    index, term = staged_index, staged_term
    for entry in _entries(log, after):
        index += 1
        term = max(term, entry.term)
        moved = Entry(type=EntryType.NORMAL, term=term, index=index, data=_content(entry))
        record, running_crc = frame(RecordType.ENTRY, encode_entry(moved), running_crc)
        out += record
    last_real = index
    for _ in range(TRAILING_EMPTY_ENTRIES):
        index += 1
        empty = Entry(type=EntryType.NORMAL, term=term, index=index, data=b"")
        record, running_crc = frame(RecordType.ENTRY, encode_entry(empty), running_crc)
        out += record
    state = HardState(term=term, vote=0, commit=index)
    record, running_crc = frame(RecordType.STATE, encode_hard_state(state), running_crc)
    return Replay(bytes(out + record), last_real, index)


def _entries(log: CompletedLog, after: int) -> Iterator[Entry]:
    """Yield every index behind `after` once; one that nobody can read comes as an empty entry."""
    for index in range(after + 1, log.last_index + 1):
        known = log.entries.get(index)
        yield known or Entry(type=EntryType.NORMAL, term=0, index=index, data=b"")


def _content(entry: Entry) -> bytes | memoryview:
    """Return what the staging member is to apply: nothing about members and versions.

    The image is restored into a new cluster, whose members and version are its own. Applying the
    old ones would name members that the staging member does not know, on which etcd panics.
    """
    if entry.type is not EntryType.NORMAL:
        return b""
    request = decode_request(entry.data)
    if isinstance(request, ClusterVersionSet | MemberAttrSet | DowngradeInfoSet | V2Request):
        return b""
    return entry.data
