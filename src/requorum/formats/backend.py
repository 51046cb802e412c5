"""What a member's database says of itself, of its cluster and of its place in the log.

Reads a page or two of each small bucket: kilobytes, so that a db on another host can be judged
without being copied. Source: etcd server/storage/schema/.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from requorum.errors import DamagedInput
from requorum.formats.bbolt.bucket import Database
from requorum.formats.bbolt.damage import DamageLog
from requorum.formats.bucket_rows import BucketRows, text, u64
from requorum.formats.json_object import json_number, json_object, json_text, json_texts
from requorum.formats.mvcc import Revision, RevisionKey
from requorum.formats.wire import field_varint, fields, signed, whole_number

NO_COMPACT_REVISION = -1
"""What etcd reports where nothing was ever compacted."""

_ALARMS = {0: "NONE", 1: "NOSPACE", 2: "CORRUPT"}
_U64_MAX = (1 << 64) - 1
_HEX_ID = re.compile(rb"[0-9a-f]{1,16}")


@dataclass(frozen=True, slots=True)
class BackendMember:
    """A row of the bucket `members`. Up to 3.5 the v2 store is what etcd believes instead."""

    id: int
    name: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]
    is_learner: bool


@dataclass(frozen=True, slots=True)
class BackendAlarm:
    """A raised alarm. `kind` is NOSPACE, CORRUPT, or the number of one we do not know."""

    member_id: int
    kind: str


@dataclass(frozen=True, slots=True)
class Lease:
    """A granted lease. `ttl` and `remaining_ttl` in seconds, 0 for a checkpoint never taken."""

    id: int
    ttl: int
    remaining_ttl: int

    def encode(self) -> bytes:
        """Return its row's value, without fields that are zero, as etcd writes it."""
        numbers = enumerate((self.id, self.ttl, self.remaining_ttl), start=1)
        return b"".join(field_varint(number, value) for number, value in numbers if value)


@dataclass(frozen=True, slots=True)
class ConfState:
    """Who votes, as of the consistent index. Written by 3.5 and later, read back by none."""

    voters: tuple[int, ...]
    learners: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Downgrade:
    """What `etcdctl downgrade enable` left: `target_version` is empty once it was cancelled."""

    enabled: bool
    target_version: str


@dataclass(frozen=True, slots=True)
class BackendState:
    """The state of one member's backend.

    `consistent_index` is the last applied log entry, 0 where none is recorded; `term` is that
    entry's, None before 3.5. The `compact` revisions are None where there was no compaction.
    """

    consistent_index: int
    term: int | None
    current_revision: int
    finished_compact_revision: int | None
    scheduled_compact_revision: int | None
    storage_version: str | None
    cluster_version: str | None
    conf_state: ConfState | None
    members: tuple[BackendMember, ...]
    removed_members: tuple[int, ...]
    alarms: tuple[BackendAlarm, ...]
    auth_enabled: bool
    downgrade: Downgrade | None = None

    @property
    def compact_revision(self) -> int:
        """Return what a server would answer, which on boot finishes the scheduled one; or -1."""
        return _greatest(self.finished_compact_revision, self.scheduled_compact_revision)


def read_backend(database: Database, log: DamageLog | None = None) -> BackendState:
    """Read everything but leases, users and records.

    DamagedInput at the first malformed row; with a `log`, each is noted there instead, and what
    it would have said is as if it were missing.
    """
    meta, cluster = BucketRows(database, b"meta", log), BucketRows(database, b"cluster", log)
    finished = meta.value(b"finishedCompactRev", _main)
    scheduled = meta.value(b"scheduledCompactRev", _main)
    last = BucketRows(database, b"key", log).last_key(_record_main) or 0
    return BackendState(
        consistent_index=meta.value(b"consistent_index", u64) or 0,
        term=meta.value(b"term", u64),
        current_revision=max(1, last, _greatest(finished, scheduled)),
        finished_compact_revision=finished,
        scheduled_compact_revision=scheduled,
        storage_version=meta.value(b"storageVersion", text),
        cluster_version=cluster.value(b"clusterVersion", text),
        conf_state=meta.value(b"confState", _conf_state),
        members=tuple(BucketRows(database, b"members", log).rows(_member)),
        removed_members=tuple(BucketRows(database, b"members_removed", log).rows(_removed_member)),
        alarms=tuple(BucketRows(database, b"alarm", log).rows(_alarm)),
        auth_enabled=BucketRows(database, b"auth", log).value(b"authEnabled", bytes) == b"\x01",
        downgrade=cluster.value(b"downgrade", _downgrade),
    )


def read_leases(database: Database, log: DamageLog | None = None) -> Iterator[Lease]:
    """Yield the leases by id. There may be many thousands: this reads their whole bucket."""
    yield from BucketRows(database, b"lease", log).rows(_lease)


def _greatest(*revisions: int | None) -> int:
    return max((r for r in revisions if r is not None), default=NO_COMPACT_REVISION)


def _main(value: bytes) -> int:
    return Revision.parse(value).main


def _record_main(key: bytes) -> int:
    return RevisionKey.parse(key).revision.main


def _conf_state(value: bytes) -> ConfState:
    parsed = json_object(value, "it")
    return ConfState(_ids(parsed.get("voters")), _ids(parsed.get("learners")))


def _ids(parsed: object) -> tuple[int, ...]:
    ids = parsed or []
    if not isinstance(ids, list) or not all(_is_u64(item) for item in ids):
        raise DamagedInput("ids are not a list of numbers that fit 64 bits")
    return tuple(ids)


def _is_u64(item: object) -> bool:
    return type(item) is int and 0 <= item <= _U64_MAX


def _member(_key: bytes, value: bytes) -> BackendMember:
    parsed = json_object(value, "it")
    if "id" not in parsed:
        raise DamagedInput("a member without an id")
    return BackendMember(
        id=json_number(parsed, "id"),
        name=json_text(parsed, "name"),
        peer_urls=json_texts(parsed, "peerURLs"),
        client_urls=json_texts(parsed, "clientURLs"),
        is_learner=parsed.get("isLearner") is True,
    )


def _removed_member(key: bytes, _value: bytes) -> int:
    if not _HEX_ID.fullmatch(key):
        raise DamagedInput("it is no member's id")
    return int(key, 16)


def _alarm(key: bytes, _value: bytes) -> BackendAlarm:
    alarm = {1: 0, 2: 0}
    for number, _, value in fields(key):
        if number in alarm:
            alarm[number] = whole_number(value, "alarm")
    return BackendAlarm(alarm[1], _ALARMS.get(alarm[2], str(alarm[2])))


def _lease(key: bytes, value: bytes) -> Lease:
    lease = {1: 0, 2: 0, 3: 0}
    for number, _, content in fields(value):
        if number in lease:
            lease[number] = signed(whole_number(content, f"lease {key.hex()}"))
    return Lease(id=lease[1], ttl=lease[2], remaining_ttl=lease[3])


def _downgrade(value: bytes) -> Downgrade:
    parsed = json_object(value, "it")
    return Downgrade(parsed.get("enabled") is True, json_text(parsed, "target-version"))
