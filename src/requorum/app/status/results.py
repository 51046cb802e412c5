"""What `requorum status` prints."""

from typing import Literal

from requorum.app.results import Result

Role = Literal["leader", "voter", "learner", "not listed"]


class MemberStatusResult(Result):
    """One member. Sizes in bytes, times in milliseconds; null where nobody tells."""

    name: str
    id: str | None
    role: Role
    healthy: bool
    version: str | None
    client_url: str
    db_size: int | None
    db_size_in_use: int | None
    quota: int | None
    revision: int | None
    raft_term: int | None
    raft_index: int | None
    raft_applied_index: int | None
    behind: int | None
    linearizable_read_ms: float | None
    serializable_read_ms: float | None
    hash: int | None
    trouble: str | None


class ClusterStatusResult(Result):
    """The whole cluster. `survives` is how many more voters may be lost, negative without a quorum.

    `hash_revision` is the revision of all hashes; null where they could not be had alike.
    """

    cluster: str
    cluster_id: str | None
    verdict: str
    serves: bool
    voters: int
    healthy_voters: int
    quorum: int
    survives: int
    hash_revision: int | None
    findings: tuple[str, ...]
    members: tuple[MemberStatusResult, ...]
