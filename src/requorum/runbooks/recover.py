"""`requorum recover`: from the facts of a failed cluster to the plan that brings it back.

See docs/concepts/how-recovery-decides.md. Pure: facts in, plan out.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from requorum.domain.binaries import EtcdBinaries
from requorum.domain.cluster import Cluster, MemberSpec, SystemdService
from requorum.domain.loss import Loss
from requorum.domain.unit_files import fence_drop_in
from requorum.domain.units import binary_size
from requorum.errors import Refused
from requorum.facts.configured_member import NOTHING_READ, Configurations
from requorum.facts.live import quorum_serves
from requorum.facts.survey import Survey
from requorum.inspection.decision import Rescue, Restore, Start, decide
from requorum.runbooks.clients import start_client_steps, stop_client_steps
from requorum.runbooks.exchange_data import (
    CANNOT_BUMP,
    EXCHANGED,
    RecoveryPlan,
    RestoredFile,
    backup_step,
    bump_where_possible,
    exchange_steps,
    fence_steps,
    health_step,
    refuse_without_space,
    start_steps,
    stop_steps,
)
from requorum.runbooks.real_settings import (
    ALL_FIELDS,
    DIRECTORIES,
    refuse_contradictions,
    settings_steps,
)
from requorum.runbooks.steps.build_image import BuildImage
from requorum.runbooks.workspace import Workspace

SPACE_FACTOR = 1.1
"""A restored db may grow by the entries that are replayed onto it, and by bbolt's own steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingToDo:
    """Every member serves."""

    summary: tuple[str, ...]


def plan_recovery(
    cluster: Cluster,
    facts: Survey,
    *,
    run: str,
    binaries: Mapping[str, EtcdBinaries],
    workspaces: Mapping[str, Workspace],
    lost: Collection[str] = (),
    backup: str | None = None,
    configured: Configurations = NOTHING_READ,
) -> RecoveryPlan | NothingToDo:
    """Return the plan; Refused where acting would be wrong, with what to do instead.

    The plan acts on the members that can be reached. `lost` are members of which the operator
    knows that they run nowhere any more, although their hosts do not tell us. `backup` is where
    a snapshot of the recovered cluster is saved, None for none. `configured` is what members
    really run with.
    """
    if quorum_serves(facts.live, facts.evidence.quorum):
        return _quorum_is_alive(cluster, facts, configured)
    _refuse_if_barred(facts)
    _refuse_if_unseen(facts, lost)
    cluster = cluster.without(facts.unreachable)
    # Before anything is concluded: what lies in another directory than the member's proves nothing.
    refuse_contradictions(cluster.members, configured, DIRECTORIES)
    _refuse_if_only_the_leader_is_missing(facts)
    match decide(facts.evidence):
        case Start() as start:
            return plan_start(cluster, facts, start, configured)
        case Rescue() as rescue:
            return plan_rescue(
                cluster,
                facts,
                rescue,
                run=run,
                binaries=binaries,
                workspaces=workspaces,
                backup=backup,
                configured=configured,
            )
        case Restore() as restore:
            raise Refused(
                "no member's data can be used: " + "; ".join(restore.reasons),
                hint="Restore a backup: `requorum restore FILE -c requorum.yaml`.",
            )


def _quorum_is_alive(
    cluster: Cluster, facts: Survey, configured: Configurations
) -> RecoveryPlan | NothingToDo:
    down = [m for m in cluster.members if not facts.live[m.name].reads]
    serving = ", ".join(m.name for m in cluster.members if m not in down)
    if not down:
        return NothingToDo(summary=(f"all members serve: {serving}",))
    doubts = refuse_contradictions(down, configured, DIRECTORIES)
    decision = decide(facts.evidence)
    startable = (
        [m for m in down if m.name in (*decision.first, *decision.then)]
        if isinstance(decision, Start)
        else []
    )
    startable = [m for m in startable if not facts.running.get(m.name, True)]
    if len(startable) == len(down):
        return replace(_start_the_rest(facts, startable, serving, configured), warnings=doubts)
    broken = [m.name for m in down if m not in startable]
    raise Refused(
        f"a quorum is alive ({serving}), so nothing has to be rescued; "
        f"{', '.join(broken)} cannot simply be started",
        hint=f"Replace it while the others serve: `requorum member replace {broken[0]}`. "
        "A recovery would stop them.",
    )


def _start_the_rest(
    facts: Survey, startable: list[MemberSpec], serving: str, configured: Configurations
) -> RecoveryPlan:
    names = ", ".join(m.name for m in startable)
    settings, _ = settings_steps(startable, configured)
    return RecoveryPlan(
        path="start",
        summary=(f"a quorum is alive ({serving}); {names} is intact and only has to be started",),
        warnings=(),
        loss=Loss(unproven=(), grounds=("a quorum never stopped serving",)),
        healthy=tuple(facts.live),
        steps=(*settings, *start_steps(startable, "its data is intact"), health_step(startable)),
    )


def _refuse_if_barred(facts: Survey) -> None:
    """Refuse where those who are there and do not talk to us may be a quorum that serves."""
    barring = {name: live for name, live in facts.live.items() if live.bars_us}
    there = [name for name, live in facts.live.items() if live.answers or live.bars_us]
    if barring and len(there) >= facts.evidence.quorum:
        first = next(iter(barring.values()))
        raise Refused(
            f"{', '.join(barring)} run and do not talk to us, so nobody knows whether a quorum "
            f"serves: {first.trouble}",
            hint=first.hint,
        )


def _refuse_if_unseen(facts: Survey, lost: Collection[str]) -> None:
    """Refuse where members that we cannot see may be a quorum and serve clients right now."""
    unseen = {n: why for n, why in facts.unreachable.items() if n not in lost}
    if len(unseen) < facts.evidence.quorum:
        return
    name, why = next(iter(unseen.items()))
    raise Refused(
        f"the hosts of {', '.join(unseen)} do not answer, and together they may be a quorum that "
        f"serves; of {name}: {why}",
        hint="Reach them, or make sure that they are off and stay off; then say so: "
        + " ".join(f"--lost {n}" for n in unseen),
    )


def _refuse_if_only_the_leader_is_missing(facts: Survey) -> None:
    """Refuse where a quorum answers but elects no leader: files cannot mend that."""
    answering = [name for name, live in facts.live.items() if live.answers]
    if len(answering) >= facts.evidence.quorum:
        raise Refused(
            f"{', '.join(answering)} run and answer, which is a quorum, but elect no leader",
            hint="Their data is not the trouble. Look at the network between the peer URLs, the "
            "peer certificates and the clocks; etcd's own log names the peer it cannot reach.",
        )


def plan_start(
    cluster: Cluster,
    facts: Survey,
    start: Start,
    configured: Configurations = NOTHING_READ,
) -> RecoveryPlan:
    """Start the intact quorum, then those that merely lagged; name those to be replaced.

    Whoever is not of that quorum and runs is stopped first: its vote could make a leader of one
    that lacks acknowledged writes. Another cluster's member has no vote here and is left alone.
    """
    first = [m for m in cluster.members if m.name in start.first]
    then = [m for m in cluster.members if m.name in start.then]
    voting = [
        m
        for m in cluster.members
        if m not in first and m.name in facts.evidence.members and facts.running[m.name]
    ]
    doubts = refuse_contradictions(cluster.members, configured, DIRECTORIES)
    settings, _ = settings_steps([*first, *then], configured)
    left_out = [m for m in cluster.members if m.name in start.left_out]
    fenced = [m for m in left_out if m.name in facts.evidence.members]
    steps = [
        *stop_steps(voting, "its files are older or damaged; it must not vote before the others"),
        *fence_steps(fenced, LEFT_OUT, stays=True),
        *settings,
    ]
    for members, why in (
        (first, "its data is intact"),
        (then, "it lagged behind; now that a quorum serves it catches up"),
    ):
        stopped = [m for m in members if not facts.running[m.name] or m in voting]
        if stopped:
            steps += start_steps(stopped, why)
        if members:
            steps.append(health_step(members if members is first else [*first, *then]))
    steps += start_client_steps(cluster.clients, facts.clients)
    return RecoveryPlan(
        path="start",
        summary=start.reasons,
        warnings=tuple(
            f"{name} is left out: {'; '.join(reasons)}. Replace it once the cluster serves."
            + _how_to_lift(next((m for m in fenced if m.name == name), None))
            for name, reasons in start.left_out.items()
        )
        + doubts,
        loss=Loss(unproven=(), grounds=start.reasons),
        healthy=(*start.first, *start.then),
        steps=tuple(steps),
    )


LEFT_OUT = "it is left out: started on its data by a reboot or a person, it could do harm"


def _how_to_lift(member: MemberSpec | None) -> str:
    """Return what to say of a fence that stays."""
    if member is None or not isinstance(member.service, SystemdService):
        return ""
    path = fence_drop_in(member.service.unit)
    return (
        f" Until then it is fenced: to lift that, on {member.host}, "
        f"`mv {path} {path}.lifted && systemctl daemon-reload`."
    )


def plan_rescue(
    cluster: Cluster,
    facts: Survey,
    rescue: Rescue,
    *,
    run: str,
    binaries: Mapping[str, EtcdBinaries],
    workspaces: Mapping[str, Workspace],
    backup: str | None,
    configured: Configurations = NOTHING_READ,
) -> RecoveryPlan:
    """One image from everything that can be read, then that image onto every member."""
    on = rescue.base or rescue.log_from
    doubts = refuse_contradictions(cluster.members, configured, ALL_FIELDS)
    settings, by_hand = settings_steps(cluster.members, configured, cluster.peer_urls)
    size = _image_size(facts, rescue)
    refuse_without_space(cluster, facts.disks, size, image_on=on)
    bump = None if rescue.loss.proven_none else bump_where_possible(binaries)
    running = [m for m in cluster.members if facts.running[m.name]]
    image = RestoredFile(
        path=workspaces[on].image, on=on, called="the image", skip_hash_check=False
    )
    steps = [
        *stop_client_steps(cluster.clients, facts.clients),
        *stop_steps(running, "it runs without a quorum; its files must hold still to be read"),
        *fence_steps(cluster.members, EXCHANGED),
        _build_image(cluster, facts, rescue, on=on, workspace=workspaces[on], size=size),
        *exchange_steps(
            cluster,
            workspaces,
            image,
            token=f"requorum-{run}",
            bump_revision=bump,
            settings=settings,
            configured=configured,
        ),
        *start_client_steps(cluster.clients, facts.clients),
        *([backup_step(cluster.members[0], backup)] if backup else []),
    ]
    return RecoveryPlan(
        path="rescue",
        summary=rescue.reasons,
        warnings=(
            *_left_out(rescue, facts),
            *_warnings(cluster, facts, rescue.loss, bump),
            *doubts,
            *by_hand,
        ),
        loss=rescue.loss,
        healthy=tuple(m.name for m in cluster.members),
        steps=tuple(steps),
    )


def _build_image(
    cluster: Cluster, facts: Survey, rescue: Rescue, *, on: str, workspace: Workspace, size: int
) -> BuildImage:
    replayed = max(0, rescue.last_index - rescue.base_index)
    source = f"the database of {rescue.base}" if rescue.base else "an empty database"
    return BuildImage(
        host=cluster.member(on).host,
        title=f"build the image in {workspace.root}: {source}, {replayed} log entries replayed",
        reason="etcd itself replays the log on a copy that can meet no other member; the result "
        "is held against the log, entry by entry, before anything else is touched",
        risk=f"needs {binary_size(size)} of disk; no member's data is changed",
        on=on,
        root=workspace.root,
        image=workspace.image,
        base=rescue.base,
        base_index=rescue.base_index,
        base_revision=rescue.base_revision,
        log_members=tuple(
            name
            for name, m in facts.evidence.members.items()
            if rescue.uses_log and m.log and m.log.metadata
        ),
        log_from=rescue.log_from,
        last_index=rescue.last_index,
        last_term=rescue.last_term,
        empty_entries=rescue.empty_entries,
    )


def _image_size(facts: Survey, rescue: Rescue) -> int:
    """Return how many bytes the image may have: the database, and the log on top of it."""
    base = facts.evidence.members[rescue.base].database if rescue.base else None
    log = facts.evidence.log
    entries = (
        0
        if log is None
        else sum(
            len(entry.data) for index, entry in log.entries.items() if index > rescue.base_index
        )
    )
    return int(((base.size if base else 0) + entries) * SPACE_FACTOR)


def _left_out(rescue: Rescue, facts: Survey) -> list[str]:
    return [
        f"{name}: {'; '.join(dict.fromkeys(reasons))}"
        for name, reasons in rescue.left_out.items()
        if name not in facts.unreachable
    ]


def _warnings(cluster: Cluster, facts: Survey, loss: Loss, bump: int | None) -> list[str]:
    warnings: list[str] = []
    if loss.unproven and bump is None:
        warnings.append(CANNOT_BUMP)
    warnings += [
        f"{name} stays out: its host does not answer ({why}). Once it is back its etcd will find "
        "another cluster and must not be started on its old data: replace it"
        for name, why in facts.unreachable.items()
    ]
    voters = facts.evidence.voters
    if voters > len(cluster.members) + len(facts.unreachable):
        warnings.append(
            f"the cluster had {voters} voters, the cluster file names {len(cluster.members)}: "
            "the recovered cluster will have the latter"
        )
    return warnings
