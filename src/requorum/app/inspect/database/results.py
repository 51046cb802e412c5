"""What `inspect snapshot` and `inspect db` return.

Member and lease ids are hexadecimal, as etcdctl prints them. Keys that are not UTF-8 stand in the
field `…_base64` instead. Every field is always there.
"""

from typing import Literal

from requorum.app.results import Result


class NumbersResult(Result):
    """What `etcdutl snapshot status` prints, of every minor at once.

    `hash` is CRC32C over all buckets. `total_keys_all_buckets` is the total of 3.4 and 3.5: the
    rows of all buckets. `total_keys_live` is that of 3.6 and later: keys that exist. `total_size`
    is in bytes. `storage_version` is empty before 3.6. Live keys are null where a record does not
    decode: nobody can say of which key it is.
    """

    hash: int
    revision: int
    total_keys_all_buckets: int
    total_keys_live: int | None
    total_size: int
    storage_version: str


class MetaResult(Result):
    """One of the two meta pages. `problem` is null where it is valid, the numbers where it is not.

    The valid one with the greater `txid` is the database; `current` says which. `freelist` is null
    where none is stored, as with etcd on Linux.
    """

    page: int
    valid: bool
    current: bool
    txid: int | None = None
    root: int | None = None
    freelist: int | None = None
    high_water_mark: int | None = None
    problem: str | None = None


class PagesResult(Result):
    """How the file is laid out. `bytes_in_use` are those of pages that something leads to.

    `free` pages, which a defragmentation gives back, lie below the high water mark too.
    """

    page_size: int
    reachable: int
    free: int
    bytes_in_use: int


class MemberResult(Result):
    """A member, as the database has it; up to 3.5 etcd itself believes the v2 store instead."""

    id: str
    name: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]
    learner: bool


class AlarmResult(Result):
    """A raised alarm. `kind` is NOSPACE, CORRUPT, or the number of one that is not known here."""

    member: str
    kind: str


class LeaseResult(Result):
    """A lease; both in seconds. `remaining_ttl` is 0 where no checkpoint was taken."""

    id: str
    ttl: int
    remaining_ttl: int


class PermissionResult(Result):
    r"""What a role may do with the keys from `key` up to, not including, `range_end`.

    `range_end` is empty for one key, "\0" for everything from `key` on.
    """

    access: str
    key: str | None
    key_base64: str | None
    range_end: str | None
    range_end_base64: str | None


class RoleResult(Result):
    """A role. `root` may do everything, whatever its permissions say."""

    name: str
    permissions: tuple[PermissionResult, ...]


class UserResult(Result):
    """A user. `no_password`: certificates only. The hash of a password is never read."""

    name: str
    roles: tuple[str, ...]
    no_password: bool


class AuthResult(Result):
    """Users and roles. `revision` counts the changes to them."""

    enabled: bool
    revision: int
    users: tuple[UserResult, ...]
    roles: tuple[RoleResult, ...]


class ConfStateResult(Result):
    """Who votes, as Raft had it at the consistent index."""

    voters: tuple[str, ...]
    learners: tuple[str, ...]


class DowngradeResult(Result):
    """What `etcdctl downgrade enable` left; `target_version` is empty where it was cancelled."""

    enabled: bool
    target_version: str


class StateResult(Result):
    """What the buckets say. What is null is not there, or cannot be read: then damage says so.

    `compact_revision` is what a server would answer, -1 where nothing was compacted: on its start
    it finishes a compaction that was scheduled.
    """

    consistent_index: int
    term: int | None
    current_revision: int
    compact_revision: int
    scheduled_compact_revision: int | None
    finished_compact_revision: int | None
    cluster_version: str | None
    storage_version: str | None
    downgrade: DowngradeResult | None
    conf_state: ConfStateResult | None
    members: tuple[MemberResult, ...]
    removed_members: tuple[str, ...]
    alarms: tuple[AlarmResult, ...]
    lease_count: int
    leases: tuple[LeaseResult, ...] | None
    auth: AuthResult


class UsageResult(Result):
    """What some keys take, in bytes on their pages.

    `keys` exist now; `revisions` are all their records, deletions too. `bytes_live` are those of
    the newest record of each key that exists, `bytes_history` the rest.
    """

    keys: int
    revisions: int
    bytes: int
    bytes_live: int
    bytes_history: int


class RankedResult(Result):
    """A key, or a prefix with all below it."""

    name: str | None
    name_base64: str | None
    usage: UsageResult


class LargestResult(Result):
    """The first of each ranking; `undecoded` records are in none of them."""

    total: UsageResult
    undecoded: int
    prefixes_by_bytes: tuple[RankedResult, ...]
    prefixes_by_revisions: tuple[RankedResult, ...]
    keys_by_bytes: tuple[RankedResult, ...]
    keys_by_revisions: tuple[RankedResult, ...]


class DamageResult(Result):
    """One damaged place: page number, and byte in the file."""

    page: int
    offset: int
    what: str


class InspectionResult(Result):
    """A database file and what it is worth.

    `trailer` is what `etcdctl snapshot save` puts behind the database: its SHA-256. `damages` are
    the first thousand of `damage_count`: what etcd or its tools refuse or end at. So are the
    `contradictions`: records that no etcd wrote so, and that it serves all the same. `numbers`,
    `pages` and `state` are null where the damage does not let them be read; `leases` of the state
    and `largest` unless asked for.
    """

    file: str
    size: int
    verdict: Literal["restorable", "restorable-without-hash", "salvageable", "not-usable"]
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    trailer: Literal["matches", "differs", "absent"]
    numbers: NumbersResult | None
    metas: tuple[MetaResult, ...]
    pages: PagesResult | None
    records: int
    undecoded_records: int
    state: StateResult | None
    damage_count: int
    damages: tuple[DamageResult, ...]
    contradiction_count: int
    contradictions: tuple[DamageResult, ...]
    largest: LargestResult | None


class FileHashResult(Result):
    """The hash of one file; the first three fields are named as etcdctl names them.

    `revision` is the file's current one. `common_hash` is its hash at what all files have in
    common, null where one file was named.
    """

    hash: int
    compact_revision: int
    hash_revision: int
    revision: int
    file: str
    common_hash: int | None


class CommonRevisionResult(Result):
    """What files were compared at: a revision, as if all were compacted to `compact_revision`.

    Unless a revision was asked for, `hash_revision` is the greatest that all of them have.
    """

    hash_revision: int
    compact_revision: int


class HashKvResult(Result):
    """The hashes of one or more files.

    `equal` is null where they have no revision in common, and `why_not_comparable` says why then.
    """

    files: tuple[FileHashResult, ...]
    common: CommonRevisionResult | None
    equal: bool | None
    why_not_comparable: str | None
