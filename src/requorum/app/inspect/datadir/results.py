"""What `inspect datadir` returns.

IDs are hexadecimal, as etcdctl prints them; indexes and terms are Raft's; sizes are bytes. Every
field is always there; what does not apply is null or empty.
"""

from typing import Literal

from requorum.app.results import Result

OutcomeName = Literal[
    "starts", "starts-after-repair", "starts-behind", "starts-anew", "fails", "waits"
]


class SignatureResult(Result):
    """A symptom of the catalogue, docs/reference/signatures.md. `links` lead to issues."""

    id: str
    log_line: str
    cause: str
    fix: str
    never: str | None
    links: tuple[str, ...]


class BootResult(Result):
    """What one release of etcd would do, and how it fails if it does.

    `etcd` is a minor ("3.5": its newest patch that is known), or the version asked for.
    `at_once`: it fails before it takes part in Raft; otherwise `when` says at which moment.
    `changes` are what it does to files, in order. `alternatives` are other signatures' ids: where
    garbage is read, the failure may be one of these instead. `known_problems` are those of the
    release itself, where its patch was named.
    """

    etcd: str
    outcome: OutcomeName
    why: str
    at_once: bool
    when: str
    signature: SignatureResult | None
    alternatives: tuple[str, ...]
    changes: tuple[str, ...]
    warnings: tuple[str, ...]
    known_problems: tuple[str, ...]


class FindingResult(Result):
    """Something that an operator should know, and what to do about it where that is known."""

    what: str
    advice: str | None


class ReplayResult(Result):
    """Where a start of the release in `asked` goes on from.

    `to_apply` committed entries are not in the database yet. Entries behind `commit`, up to
    `last_index`, count once a leader says so.
    """

    snapshot_index: int
    consistent_index: int
    commit: int
    last_index: int
    to_apply: int


class MemberRowResult(Result):
    """A member. `in_log` and `in_database`: "voter", "learner", or null where it is not listed.

    Up to 3.5 etcd believes the log (.snap files and WAL), from 3.6 on the database.
    """

    id: str
    name: str
    peer_urls: tuple[str, ...]
    itself: bool
    in_log: Literal["voter", "learner"] | None
    in_database: Literal["voter", "learner"] | None
    removed: bool


class SegmentResult(Result):
    """One file of the log; its indexes are null where no entry can be read."""

    name: str
    size: int
    first_index: int | None
    last_index: int | None
    damages: tuple[str, ...]


class LogResult(Result):
    """The log. `commit` is what the member wrote down; `ending` how its readable part ends."""

    directory: str
    segments: tuple[SegmentResult, ...]
    entries: int
    first_index: int
    last_index: int
    last_term: int
    commit: int
    term: int
    ending: Literal["clean", "torn", "damaged", "absent"]
    missing: int
    doubtful: int


class SnapResult(Result):
    """A .snap file; term and index are null where it cannot be read, and `damage` says why.

    `known`: the log marks it, so that etcd takes it. `v2_data`: keys or users of the v2 API.
    """

    name: str
    size: int
    term: int | None
    index: int | None
    cluster_version: str | None
    v2_data: bool
    known: bool
    damage: str | None


class DatabaseResult(Result):
    """A database. `verdict` is that of `inspect db`; null where it has no pages at all.

    `damages` are the first of `damage_count`.
    """

    path: str
    size: int
    verdict: Literal["restorable", "restorable-without-hash", "salvageable", "not-usable"] | None
    reasons: tuple[str, ...]
    consistent_index: int | None
    term: int | None
    revision: int | None
    compact_revision: int | None
    cluster_version: str | None
    storage_version: str | None
    alarms: tuple[str, ...]
    damage_count: int
    damages: tuple[str, ...]


class LeftoverResult(Result):
    """A file or directory that is not part of the member's data."""

    path: str
    size: int
    what: str


class DataDirResult(Result):
    """A whole data directory.

    `boots` has the release in `asked` first, if the command or the data named one, then every
    minor that is known. `asked_because` says what named it; null where nothing did.
    """

    data_dir: str
    asked: str | None
    asked_because: str | None
    boots: tuple[BootResult, ...]
    findings: tuple[FindingResult, ...]
    in_use: bool
    member_id: str | None
    cluster_id: str | None
    name: str | None
    members: tuple[MemberRowResult, ...]
    replay: ReplayResult | None
    log: LogResult | None
    snaps: tuple[SnapResult, ...]
    snap_dbs: tuple[DatabaseResult, ...]
    database: DatabaseResult | None
    leftovers: tuple[LeftoverResult, ...]
    size: int
    free: int


class RankResult(Result):
    """What chooses a survivor: the log that would win an election, and where the database stands.

    `term`, `index`, `commit` are of the log's end; `consistent_index` and `revision` of the
    database. Null where the file is missing or cannot be read, and `problems` says why.
    """

    data_dir: str
    member_id: str | None
    cluster_id: str | None
    term: int | None
    index: int | None
    commit: int | None
    consistent_index: int | None
    revision: int | None
    problems: tuple[str, ...]
