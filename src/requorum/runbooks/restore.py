"""`requorum restore FILE`: one snapshot file, or a copied db, onto every member.

See docs/howto/restore-a-snapshot.md. Pure: facts in, plan out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from requorum.domain.binaries import EtcdBinaries
from requorum.domain.cluster import Cluster
from requorum.domain.loss import Loss, UnprovenRange
from requorum.domain.quorum import quorum_size
from requorum.errors import DamagedInput, Refused, ToolUnfit
from requorum.facts.configured_member import NOTHING_READ, Configurations
from requorum.facts.live import LiveMember, quorum_serves
from requorum.inspection.file_verdict import FileVerdict, Verdict
from requorum.ports.host import Disk
from requorum.runbooks.clients import Running, start_client_steps, stop_client_steps
from requorum.runbooks.exchange_data import (
    CANNOT_BUMP,
    EXCHANGED,
    RecoveryPlan,
    RestoredFile,
    backup_step,
    bump_where_possible,
    exchange_steps,
    fence_steps,
    refuse_without_space,
    stop_steps,
)
from requorum.runbooks.real_settings import ALL_FIELDS, refuse_contradictions, settings_steps
from requorum.runbooks.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreFacts:
    """What a restore is decided on. `has_data`: whether a member still has a data directory."""

    live: Mapping[str, LiveMember]
    running: Mapping[str, bool]
    has_data: Mapping[str, bool]
    disks: Mapping[str, Disk]
    snapshot: FileVerdict
    clients: Running
    configured: Configurations = NOTHING_READ


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreWishes:
    """What the operator asked for. `bump_revision` None: the default; 0: no bump."""

    path: str
    even_if_serving: bool = False
    bump_revision: int | None = None


def plan_restore(
    cluster: Cluster,
    facts: RestoreFacts,
    wishes: RestoreWishes,
    *,
    run: str,
    binaries: Mapping[str, EtcdBinaries],
    workspaces: Mapping[str, Workspace],
    backup: str | None = None,
) -> RecoveryPlan:
    """Return the plan; DamagedInput for a file that must not be restored, Refused elsewhere."""
    _refuse_damaged(facts.snapshot, wishes.path)
    _refuse_serving(cluster, facts, wishes)
    doubts = refuse_contradictions(cluster.members, facts.configured, ALL_FIELDS)
    refuse_without_space(cluster, facts.disks, facts.snapshot.size, image_on=None)
    settings, by_hand = settings_steps(cluster.members, facts.configured, cluster.peer_urls)
    bump = _bump(wishes, binaries)
    running = [m for m in cluster.members if facts.running[m.name]]
    return RecoveryPlan(
        path="restore",
        summary=_summary(facts.snapshot, wishes.path),
        warnings=(*_warnings(facts, bump), *doubts, *by_hand),
        loss=_loss(facts.snapshot),
        healthy=tuple(m.name for m in cluster.members),
        steps=(
            *stop_client_steps(cluster.clients, facts.clients),
            *stop_steps(running, "its data is about to be replaced"),
            *fence_steps(cluster.members, EXCHANGED),
            *exchange_steps(
                cluster,
                workspaces,
                _restored_file(facts, wishes),
                token=f"requorum-{run}",
                bump_revision=bump,
                settings=settings,
                configured=facts.configured,
            ),
            *start_client_steps(cluster.clients, facts.clients),
            *([backup_step(cluster.members[0], backup)] if backup else []),
        ),
    )


def _restored_file(facts: RestoreFacts, wishes: RestoreWishes) -> RestoredFile:
    return RestoredFile(
        path=wishes.path,
        on=None,
        called=wishes.path,
        skip_hash_check=facts.snapshot.verdict is Verdict.WITHOUT_HASH,
    )


def _refuse_damaged(snapshot: FileVerdict, path: str) -> None:
    if not snapshot.restorable:
        raise DamagedInput(
            f"{path} must not be restored: {'; '.join(snapshot.reasons)}",
            hint="Take another backup. Restoring this one would put the damage on every member.",
        )


def _refuse_serving(cluster: Cluster, facts: RestoreFacts, wishes: RestoreWishes) -> None:
    if wishes.even_if_serving or not quorum_serves(facts.live, quorum_size(len(cluster.members))):
        return
    raise Refused(
        "a quorum is alive; restoring would throw away everything written since that backup",
        hint="If that is what you want, say --even-if-serving.",
    )


def _bump(wishes: RestoreWishes, binaries: Mapping[str, EtcdBinaries]) -> int | None:
    possible = bump_where_possible(binaries)
    if wishes.bump_revision is None:
        return possible
    if wishes.bump_revision and possible is None:
        raise ToolUnfit(CANNOT_BUMP, hint="Name later binaries with --etcd-bin-dir.")
    return wishes.bump_revision or None


def _summary(snapshot: FileVerdict, path: str) -> tuple[str, ...]:
    return (
        f"{path}: {'; '.join(snapshot.reasons)}",
        f"it stands at revision {snapshot.revision}",
    )


def _warnings(facts: RestoreFacts, bump: int | None) -> tuple[str, ...]:
    found: list[str] = []
    holding = [name for name, has in facts.has_data.items() if has]
    if holding:
        found.append(
            f"{', '.join(holding)} still have data, which may hold more than this file: "
            "see `requorum recover --plan` first"
        )
    if bump is None:
        found.append(CANNOT_BUMP)
    return tuple(found)


def _loss(snapshot: FileVerdict) -> Loss:
    later = UnprovenRange(
        first_index=snapshot.index + 1,
        last_index=None,
        first_revision=snapshot.revision + 1,
        last_revision=None,
        reason=f"the file ends at revision {snapshot.revision}: "
        "whatever was written after it was made is not in it",
    )
    return Loss(unproven=(later,), grounds=())
