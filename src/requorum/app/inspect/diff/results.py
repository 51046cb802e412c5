"""What `inspect diff` returns. `a` and `b` are the two places in the order they were named."""

from typing import Literal

from pydantic import Field

from requorum.app.results import Result


class RangeResult(Result):
    """Revisions, both ends inclusive; `last` is null where no end can be known."""

    first: int
    last: int | None


class WalTailResult(Result):
    """What a member's log holds behind the last entry that its database names: not compared.

    `committed` of the `entries` are known to be committed. `damaged`: there may be more. etcd 3.4
    does not name entries that write no key, so the last few may be applied all the same.
    """

    entries: int
    first_index: int | None
    last_index: int | None
    committed: int
    damaged: bool


class SideResult(Result):
    """One of the two databases.

    `revision` is the one that was compared, `keys` how many were. `compact_revision` is -1 where
    nothing was compacted, null where it is damaged. `wal` is null unless a data directory was
    named that has one.
    """

    place: str
    path: str
    kind: Literal["snapshot", "database", "data-directory"]
    size: int
    trailer: Literal["matches", "differs", "absent"]
    revision: int
    current_revision: int
    compact_revision: int | None
    keys: int
    records: int
    consistent_index: int
    term: int | None
    cluster_version: str | None
    storage_version: str | None
    members: tuple[str, ...]
    wal: WalTailResult | None
    damage_count: int
    damages: tuple[str, ...]
    lost_revisions: tuple[RangeResult, ...]


class CountsResult(Result):
    """How many keys differ, and how.

    `rewritten`: the same value, but other revisions, version or lease. `unknown`: a record that
    was lost with a damaged page may explain it.
    """

    added: int
    removed: int
    changed: int
    rewritten: int
    unknown: int


class PrefixResult(Result):
    """Differing keys below a prefix; `prefix_base64` instead where it is not UTF-8."""

    prefix: str | None
    prefix_base64: str | None
    counts: CountsResult


class ResourceResult(Result):
    """Differing keys of a Kubernetes resource; `group` is "" for the core one, null if unknown."""

    resource: str
    group: str | None
    counts: CountsResult


class NamespaceResult(Result):
    """Differing keys of a Kubernetes namespace, null for objects that have none."""

    namespace: str | None
    counts: CountsResult


class ObjectResult(Result):
    """The Kubernetes object that a key holds."""

    resource: str
    group: str | None
    namespace: str | None
    name: str


class ValueResult(Result):
    """A value, only with `--values`; `text` is null where it is not printable text."""

    sha256: str
    text: str | None


class VersionResult(Result):
    """A key as one side has it. `lease` in hexadecimal as etcdctl prints it, null for none."""

    mod_revision: int
    create_revision: int
    version: int
    lease: str | None
    value_size: int
    value: ValueResult | None


class KeyResult(Result):
    """A key that differs; `key_base64` instead of `key` where it is not UTF-8."""

    key: str | None
    key_base64: str | None
    kind: Literal["added", "removed", "changed", "rewritten", "unknown"]
    object: ObjectResult | None
    a: VersionResult | None
    b: VersionResult | None


class ChangeResult(Result):
    """What one revision did to a key."""

    kind: Literal["put", "delete"]
    key: str | None
    key_base64: str | None
    value_size: int | None
    value: ValueResult | None


class HistoriesResult(Result):
    """Whether both tell one history.

    `relation`: "same"; "a-ahead", "b-ahead" by `ahead_by` revisions; "parted" at `parted_at`, or
    before where `parted_before`; "unproven" where nothing can be compared, though nothing
    contradicts. Compared were the state at `state_at` and every change after it up to
    `last_compared`, null where there was nothing to compare. `a_changes` and `b_changes`: what
    each did at `parted_at`, the first ten. `shared_records` are those of one revision that both
    hold alike; behind `parted_at`, `alike_after` are so and `unlike_after` are not.
    """

    relation: Literal["same", "a-ahead", "b-ahead", "parted", "unproven"]
    ahead_by: int
    state_at: int | None
    last_compared: int | None
    parted_at: int | None
    parted_before: bool
    a_changes: tuple[ChangeResult, ...]
    b_changes: tuple[ChangeResult, ...]
    shared_records: int
    alike_after: int
    unlike_after: int


class BucketResult(Result):
    """Rows that differ in a bucket besides that of the keys, such as `lease` or `authUsers`."""

    bucket: str
    added: int
    removed: int
    changed: int


class DiffResult(Result):
    """The result of `inspect diff`.

    `outcome`: "same" only where nothing differs and nothing is damaged; "unproven" where nothing
    that can be read differs, but something is damaged. `keys` are the first of each kind unless
    `keys_complete`. `more_groups`: there are more prefixes than are listed.
    """

    outcome: Literal["same", "different", "unproven"]
    a: SideResult
    b: SideResult
    counts: CountsResult
    prefixes: tuple[PrefixResult, ...]
    more_groups: bool
    resources: tuple[ResourceResult, ...]
    namespaces: tuple[NamespaceResult, ...]
    histories: HistoriesResult
    buckets: tuple[BucketResult, ...]
    notes: tuple[str, ...]
    keys_complete: bool
    # asyncio.Runner of Python 3.11 asks for the repr of what a task returned, and throws it away.
    keys: tuple[KeyResult, ...] = Field(repr=False)
