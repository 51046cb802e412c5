"""What `inspect wal` returns: a record of the log at a time, and a summary of all of it.

Keys and values that are not UTF-8 stand in the field `…_base64` instead. IDs are hexadecimal, as
etcdctl prints them. Every field is always there.
"""

from typing import Literal

from requorum.app.results import Result

CompareTargetName = Literal["version", "create", "mod", "value", "lease"]
CompareResultName = Literal["equal", "greater", "less", "not-equal"]
MemberChangeName = Literal["add-voter", "add-learner", "promote", "remove", "update"]
AlarmActionName = Literal["get", "activate", "deactivate"]
AlarmName = Literal["NONE", "NOSPACE", "CORRUPT"]


class WalOperation(Result):
    """An operation on keys. `branch`: null for a request of its own; "then" or "else" of a txn.

    In a nested transaction it is "then[1].else": the second operation's branch, counted from 0.
    `runs`: whether that branch runs, where the comparisons alone decide it: a transaction without
    any never runs its "else". `range_end` is null for one key, "\u0000" for "to the end". Puts
    alone have a value; it is null unless asked for.
    """

    operation: Literal["put", "delete", "range"]
    branch: str | None
    runs: Literal["always", "perhaps", "never"] = "always"
    key: str | None
    key_base64: str | None
    range_end: str | None = None
    range_end_base64: str | None = None
    lease: str | None = None
    ignore_value: bool = False
    ignore_lease: bool = False
    value_size: int | None = None
    value: str | None = None
    value_base64: str | None = None


class WalCompare(Result):
    """A comparison of a transaction; `branch` names the nested one, null is the outer one.

    `number` is compared to, unless `target` is "value": then the value of `value_size` bytes is.
    """

    branch: str | None
    target: CompareTargetName
    result: CompareResultName
    key: str | None
    key_base64: str | None
    range_end: str | None = None
    range_end_base64: str | None = None
    number: int | None = None
    value_size: int | None = None
    value: str | None = None
    value_base64: str | None = None


class WalKey(Result):
    """One key."""

    key: str | None
    key_base64: str | None


class TxnDetail(Result):
    """A transaction: `then` is carried out where every comparison of it holds, else `else`."""

    compares: tuple[WalCompare, ...]


class LeaseGrantDetail(Result):
    """A lease of `ttl` seconds."""

    lease: str
    ttl: int


class LeaseRevokeDetail(Result):
    """A lease's end. `keys`: what it may have deleted; null where that was not looked for.

    `keys_complete`: it deleted no others, of those asked for.
    """

    lease: str
    keys: tuple[WalKey, ...] | None
    keys_complete: bool


class LeaseRemaining(Result):
    """Seconds that a lease has left."""

    lease: str
    remaining_ttl: int


class LeaseCheckpointDetail(Result):
    """What leases have left, so that a new leader does not begin them anew."""

    leases: tuple[LeaseRemaining, ...]


class CompactionDetail(Result):
    """The history before `revision` is forgotten; `physical`: the client waits until it is gone."""

    revision: int
    physical: bool


class MembershipDetail(Result):
    """A change of the members. `name` is "" where it was not known yet."""

    change: MemberChangeName
    member: str
    name: str
    peer_urls: tuple[str, ...]


class KeyPermissionDetail(Result):
    """Which keys a role may use; `access` is READ, WRITE, READWRITE, or "" where it is revoked."""

    access: str
    key: str | None
    key_base64: str | None
    range_end: str | None
    range_end_base64: str | None


class AuthDetail(Result):
    """A request about users and roles; `user` and `role` are "" where it names none."""

    operation: str
    user: str
    role: str
    permission: KeyPermissionDetail | None


class AlarmDetail(Result):
    """An alarm is raised or cleared; `member` 0 stands for all."""

    action: AlarmActionName
    alarm: AlarmName
    member: str


class V2Detail(Result):
    """A request of the v2 API; `value` like that of a put, but etcd's own below /0 is shown."""

    method: str
    path: str
    value_size: int
    value: str | None
    value_base64: str | None


class ClusterVersionDetail(Result):
    """The version that the cluster agrees on."""

    version: str


class MemberAttributesDetail(Result):
    """What a started member publishes of itself."""

    member: str
    name: str
    client_urls: tuple[str, ...]


class DowngradeDetail(Result):
    """A downgrade to `version` begins (`enabled`) or ends."""

    enabled: bool
    version: str


class UnknownDetail(Result):
    """A request of no kind that is known here, with the numbers of its protobuf fields."""

    field_numbers: tuple[int, ...]


class UndecodableDetail(Result):
    """An entry that no etcd could read."""

    problem: str


class HardStateDetail(Result):
    """What the member promised: its vote (null: none), and up to where it knew entries committed.

    The term is the record's.
    """

    vote: str | None
    commit: int


class SnapshotDetail(Result):
    """The configuration of the snapshot at the record's index and term; null as 3.4 writes it."""

    voters: tuple[str, ...] | None
    learners: tuple[str, ...] | None


class MetadataDetail(Result):
    """Whose log it is."""

    member: str
    cluster: str


class CrcDetail(Result):
    """The checksum that the segment before ends with."""

    crc: str


class DamageDetail(Result):
    """What is wrong. `lost`: how many records cannot be read, null where nobody can know."""

    what: str
    lost: int | None
    after_index: int


Detail = (
    TxnDetail
    | LeaseGrantDetail
    | LeaseRevokeDetail
    | LeaseCheckpointDetail
    | CompactionDetail
    | MembershipDetail
    | AuthDetail
    | AlarmDetail
    | V2Detail
    | ClusterVersionDetail
    | MemberAttributesDetail
    | DowngradeDetail
    | UnknownDetail
    | UndecodableDetail
    | HardStateDetail
    | SnapshotDetail
    | MetadataDetail
    | CrcDetail
    | DamageDetail
)


class WalRecord(Result):
    """One record, or one damaged place, of a log.

    `kind` is the entry's kind, or hard-state, snapshot, metadata, crc, damage. `offset` and `size`
    in bytes: the frame in its segment; null where they cannot be known. `standing`, `committed`
    and what follows are null or empty but for entries: `committed` false is "not known".
    `via`: the last four hexadecimal digits of the ID of the member that took the request.
    """

    kind: str
    segment: str
    offset: int | None
    size: int | None
    index: int | None = None
    term: int | None = None
    standing: Literal["current", "superseded", "doubtful"] | None = None
    superseded_by_term: int | None = None
    committed: bool | None = None
    via: str | None = None
    user: str | None = None
    operations: tuple[WalOperation, ...] = ()
    detail: Detail | None = None


class WalSegmentResult(Result):
    """A file of the log; sizes in bytes, `end` is where its last record ends."""

    name: str
    size: int
    end: int
    records: int
    entries: int
    first_index: int | None
    last_index: int | None
    ending: Literal["clean", "torn", "damaged"]


class WalTermResult(Result):
    """Entries of one term; both ends inclusive."""

    term: int
    first_index: int
    last_index: int


class WalMissingResult(Result):
    """Indexes without an entry; both ends inclusive. `reason`: "lost", or a leader's "snapshot"."""

    first_index: int
    last_index: int
    reason: Literal["lost", "snapshot"]


class WalDamageResult(Result):
    """A damaged place; `offset` null where a whole segment is not there."""

    segment: str
    offset: int | None
    size: int | None
    what: str
    lost: int | None
    after_index: int


class WalSnapshotResult(Result):
    """The mark of a snapshot."""

    index: int
    term: int


class WalSummary(Result):
    """A whole log, whatever was asked for of it.

    `entries` counts those that are current or doubtful. `commit` is what the member wrote down;
    `committed_to` up to where the readable entries are known to be the committed ones. `shown`:
    how many records were asked for. `revokes_unknown`: lease revocations that may have deleted a
    key that was asked for, and nothing tells. `notes`: what else a reader must know.
    """

    path: str
    segments: tuple[WalSegmentResult, ...]
    member: str | None
    cluster: str | None
    records: int
    entries: int
    superseded: int
    doubtful: int
    first_index: int
    last_index: int
    terms: tuple[WalTermResult, ...]
    term: int | None
    vote: str | None
    commit: int
    committed_to: int
    snapshots: tuple[WalSnapshotResult, ...]
    ending: Literal["clean", "torn", "damaged"]
    damages: tuple[WalDamageResult, ...]
    missing: tuple[WalMissingResult, ...]
    in_use: bool
    shown: int
    revokes_unknown: int
    notes: tuple[str, ...]

    @property
    def damaged(self) -> bool:
        """Return whether anything is damaged; a torn end, which etcd mends itself, is not."""
        return bool(self.damages) or any(gap.reason == "lost" for gap in self.missing)
