"""What a member's database says of itself, of its cluster and of its place in the log.

Reads a page or two of each small bucket: kilobytes, so that a db on another host can be judged
without being copied. Source: etcd server/storage/schema/.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from requorum.errors import DamagedInput
from requorum.formats.bbolt.bucket import Bucket, Database
from requorum.formats.mvcc import Revision, RevisionKey
from requorum.formats.wire import fields, signed, whole_number

NO_COMPACT_REVISION = -1
"""What etcd reports where nothing was ever compacted."""

_JSON_SIZE_MAX = 1 << 20
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


@dataclass(frozen=True, slots=True)
class ConfState:
    """Who votes, as of the consistent index. Written by 3.5 and later, read back by none."""

    voters: tuple[int, ...]
    learners: tuple[int, ...]


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

    @property
    def compact_revision(self) -> int:
        """Return what a server would answer, which on boot finishes the scheduled one; or -1."""
        return _greatest(self.finished_compact_revision, self.scheduled_compact_revision)


def read_backend(database: Database) -> BackendState:
    """Read everything but leases and records; DamagedInput where something is malformed."""
    meta = _Reader(database, b"meta")
    finished = meta.revision(b"finishedCompactRev")
    scheduled = meta.revision(b"scheduledCompactRev")
    return BackendState(
        consistent_index=meta.u64(b"consistent_index") or 0,
        term=meta.u64(b"term"),
        current_revision=max(1, _last_main(database), _greatest(finished, scheduled)),
        finished_compact_revision=finished,
        scheduled_compact_revision=scheduled,
        storage_version=meta.text(b"storageVersion"),
        cluster_version=_Reader(database, b"cluster").text(b"clusterVersion"),
        conf_state=_conf_state(meta.json(b"confState")),
        members=tuple(_members(_Reader(database, b"members"))),
        removed_members=tuple(_removed_members(_Reader(database, b"members_removed"))),
        alarms=tuple(_alarms(_Reader(database, b"alarm"))),
        auth_enabled=_Reader(database, b"auth").get(b"authEnabled") == b"\x01",
    )


def read_leases(database: Database) -> Iterator[Lease]:
    """Yield the leases by id. There may be many thousands: this reads their whole bucket."""
    for key, value in _Reader(database, b"lease").items():
        lease = {1: 0, 2: 0, 3: 0}
        for number, _, content in fields(value):
            if number in lease:
                lease[number] = signed(whole_number(content, f"lease {key.hex()}"))
        yield Lease(id=lease[1], ttl=lease[2], remaining_ttl=lease[3])


def _greatest(*revisions: int | None) -> int:
    return max((r for r in revisions if r is not None), default=NO_COMPACT_REVISION)


def _last_main(database: Database) -> int:
    bucket = database.bucket(b"key")
    last = bucket.last_key() if bucket is not None else None
    return 0 if last is None else RevisionKey.parse(last).revision.main


class _Reader:
    """One bucket, with its name in every error; a bucket that is missing is an empty one."""

    def __init__(self, database: Database, name: bytes) -> None:
        self._bucket: Bucket | None = database.bucket(name)
        self._name = name.decode()

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        return iter(()) if self._bucket is None else self._bucket.items()

    def keys(self) -> Iterator[bytes]:
        return (key for key, _ in self.items())

    def get(self, key: bytes) -> bytes | None:
        return None if self._bucket is None else self._bucket.get(key)

    def u64(self, key: bytes) -> int | None:
        value = self.get(key)
        if value is None:
            return None
        if len(value) != 8:
            raise self.malformed(key)
        return int.from_bytes(value, "big")

    def revision(self, key: bytes) -> int | None:
        value = self.get(key)
        return None if value is None else Revision.parse(value).main

    def text(self, key: bytes) -> str | None:
        value = self.get(key)
        try:
            return None if value is None else value.decode()
        except UnicodeDecodeError as error:
            raise self.malformed(key) from error

    def json(self, key: bytes) -> dict[str, Any] | None:
        value = self.get(key)
        return None if value is None else self.parse_json(key, value)

    def parse_json(self, key: bytes, value: bytes) -> dict[str, Any]:
        if len(value) > _JSON_SIZE_MAX:
            raise self.malformed(key)
        try:
            parsed = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise self.malformed(key) from error
        if not isinstance(parsed, dict):
            raise self.malformed(key)
        return parsed

    def malformed(self, key: bytes) -> DamagedInput:
        return DamagedInput(f"bucket {self._name}: the value of {key[:64]!r} is malformed")


def _conf_state(parsed: dict[str, Any] | None) -> ConfState | None:
    if parsed is None:
        return None
    return ConfState(_ids(parsed.get("voters")), _ids(parsed.get("learners")))


def _ids(parsed: object) -> tuple[int, ...]:
    ids = parsed or []
    if not isinstance(ids, list) or not all(_is_u64(item) for item in ids):
        raise DamagedInput("bucket meta: the value of b'confState' is malformed")
    return tuple(ids)


def _is_u64(item: object) -> bool:
    return type(item) is int and 0 <= item <= _U64_MAX


def _members(bucket: _Reader) -> Iterator[BackendMember]:
    for key, value in bucket.items():
        parsed = bucket.parse_json(key, value)
        member_id, name = parsed.get("id"), parsed.get("name", "")
        if type(member_id) is not int or not _is_u64(member_id) or not isinstance(name, str):
            raise bucket.malformed(key)
        yield BackendMember(
            id=member_id,
            name=name,
            peer_urls=_urls(bucket, key, parsed.get("peerURLs")),
            client_urls=_urls(bucket, key, parsed.get("clientURLs")),
            is_learner=parsed.get("isLearner") is True,
        )


def _urls(bucket: _Reader, key: bytes, parsed: object) -> tuple[str, ...]:
    urls = parsed or []
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        raise bucket.malformed(key)
    return tuple(urls)


def _removed_members(bucket: _Reader) -> Iterator[int]:
    for key in bucket.keys():  # noqa: SIM118 - a bucket is no dict
        if not _HEX_ID.fullmatch(key):
            raise DamagedInput(f"bucket members_removed: {key[:64]!r} is no member's id")
        yield int(key, 16)


def _alarms(bucket: _Reader) -> Iterator[BackendAlarm]:
    for key in bucket.keys():  # noqa: SIM118 - a bucket is no dict
        alarm = {1: 0, 2: 0}
        for number, _, value in fields(key):
            if number in alarm:
                alarm[number] = whole_number(value, "alarm")
        yield BackendAlarm(alarm[1], _ALARMS.get(alarm[2], str(alarm[2])))
