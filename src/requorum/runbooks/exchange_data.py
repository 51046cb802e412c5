"""The part that Rescue and Restore share: one file onto every member, then start and check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from requorum.domain.binaries import EtcdBinaries
from requorum.domain.cluster import LOCAL, Cluster, MemberSpec, SystemdService
from requorum.domain.loss import Loss
from requorum.domain.units import binary_size
from requorum.errors import NotEnoughSpace
from requorum.facts.configured_member import NOTHING_READ, Configurations
from requorum.ports.host import Disk
from requorum.runbooks.steps.await_health import AwaitHealth
from requorum.runbooks.steps.backup import TakeBackup
from requorum.runbooks.steps.exchange import RestoreMember, SetAside, SwapModel
from requorum.runbooks.steps.fence import FenceMember, LiftFence
from requorum.runbooks.steps.probe_writes import ProbeWrites
from requorum.runbooks.steps.send_file import SendFile
from requorum.runbooks.steps.service import StartMember, StopMember
from requorum.runbooks.steps.world import World
from requorum.runbooks.workspace import Workspace
from requorum.workflow.step import Step

BUMP_REVISIONS = 1_000_000_000
"""How far the revision is bumped where writes may be missing: further than any that was served."""

WAL_BYTES = 2 * 64_000_000
"""What etcd allocates in full for a new log: its first segment, and the one to come.

Source: etcd server/storage/wal/wal.go SegmentSizeBytes, file_pipeline.go.
"""

CANNOT_BUMP = (
    "this etcdctl cannot bump the revision (3.4.27 and 3.5.10 were the first that can): restart "
    "every client that watches or caches, kube-apiserver among them"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryPlan:
    """What the workflow's plan is made of, and what the result's `path` and `loss` will be."""

    path: str
    summary: tuple[str, ...]
    warnings: tuple[str, ...]
    loss: Loss
    healthy: tuple[str, ...]
    steps: tuple[Step[World], ...]


def bump_where_possible(binaries: Mapping[str, EtcdBinaries]) -> int | None:
    """Return by how much to bump the revision; None where some member's tools cannot."""
    can = all(b.version.can_bump_revision for b in binaries.values())
    return BUMP_REVISIONS if can else None


def refuse_without_space(
    cluster: Cluster, disks: Mapping[str, Disk], size: int, *, image_on: str | None
) -> None:
    """Refuse when a host cannot hold what the plan writes there: db and log for each member.

    `size` in bytes. `image_on` is the member beside which the image is built, one copy more.
    Members whose directories share a file system need what they write together.
    """
    for member in cluster.members:
        disk = disks[member.name]
        sharing = [
            m.name
            for m in cluster.members
            if m.host == member.host and disks[m.name].filesystem == disk.filesystem
        ]
        needed = (size + WAL_BYTES) * (len(sharing) + (image_on in sharing))
        if disk.free < needed:
            raise NotEnoughSpace(
                f"{member.host} has {binary_size(disk.free)} free at {member.data_dir}, "
                f"the plan needs {binary_size(needed)} there",
                hint="Make room on that disk, but not in the data directories, and run it again.",
            )


def stop_steps(running: Sequence[MemberSpec], why: str) -> list[Step[World]]:
    """Return the steps that stop members, all at once."""
    return [
        StopMember(host=m.host, title=f"stop {m.name}", reason=why, member=m.name, together="stop")
        for m in running
    ]


def fence_steps(
    members: Sequence[MemberSpec], why: str, *, stays: bool = False
) -> list[Step[World]]:
    """Return the steps that keep members from being started; those of systemd units can be kept."""
    return [
        FenceMember(
            host=m.host,
            title=f"fence {m.name}: {m.service.unit} cannot be started",
            reason=why,
            together="fence",
            member=m.name,
            stays=stays,
        )
        for m in members
        if isinstance(m.service, SystemdService)
    ]


def lift_steps(members: Sequence[MemberSpec]) -> list[Step[World]]:
    """Return the steps that let members be started again."""
    return [
        LiftFence(
            host=m.host,
            title=f"lift the fence of {m.name}",
            reason="its data is the new one now",
            together="lift-fence",
            member=m.name,
        )
        for m in members
        if isinstance(m.service, SystemdService)
    ]


EXCHANGED = "neither Restart=, nor a person, nor a reboot may start it while its data is exchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredFile:
    """The file that every member is restored from. `called` is what the plan calls it.

    `on` is the member on whose host it lies, None for the machine that we run on.
    """

    path: str
    on: str | None
    called: str
    skip_hash_check: bool


def exchange_steps(
    cluster: Cluster,
    workspaces: Mapping[str, Workspace],
    file: RestoredFile,
    *,
    token: str,
    bump_revision: int | None,
    settings: Sequence[Step[World]] = (),
    configured: Configurations = NOTHING_READ,
) -> list[Step[World]]:
    """Return the steps from setting the old data aside to a cluster that serves the new.

    `settings` are those that change what members start with, while they are stopped and fenced.
    `configured` is what they really run with.
    """
    paths, sends = _brought_to_hosts(cluster, workspaces, file)
    return [
        *sends,
        *(set_aside_step(m, workspaces[m.name]) for m in cluster.members),
        *(
            RestoreMember(
                host=m.host,
                title=f"restore {m.name} from {file.called}{_bumped(bump_revision)}",
                reason="etcd's own `snapshot restore`, with a new cluster token, so that a member "
                "with old data can never join by accident",
                risk="needs as much disk again as the image has",
                together="restore",
                member=m.name,
                snapshot=paths[m.host],
                skip_hash_check=file.skip_hash_check,
                root=workspaces[m.name].root,
                restored_data_dir=workspaces[m.name].restored_data_dir,
                restored_wal_dir=workspaces[m.name].restored_wal_dir,
                swaps=_swaps(workspaces[m.name]),
                initial_cluster={x.name: x.peer_url for x in cluster.members},
                token=token,
                bump_revision=bump_revision,
                owner_like=_owner_candidates(m, cluster, workspaces),
                run_as=configured.service_user(m.name),
            )
            for m in cluster.members
        ),
        *settings,
        *lift_steps(cluster.members),
        *start_steps(cluster.members, "the restored members form the cluster together"),
        health_step(cluster.members),
        probe_step(cluster.members),
    ]


def _brought_to_hosts(
    cluster: Cluster, workspaces: Mapping[str, Workspace], file: RestoredFile
) -> tuple[Mapping[str, str], list[Step[World]]]:
    """Return where the file lies on each host, and the steps that bring it there."""
    home = LOCAL if file.on is None else cluster.member(file.on).host
    paths, sends = {home: file.path}, list[Step[World]]()
    for member in cluster.members:
        if member.host in paths:
            continue
        target = paths[member.host] = workspaces[member.name].image
        sends.append(
            SendFile(
                host=member.host,
                title=f"send {file.called} to {member.host}",
                reason="every member is restored from the same file; its SHA-256 is compared",
                risk="needs as much disk there as the file has",
                together="send",
                source=file.on,
                path=file.path,
                member=member.name,
                target=target,
            )
        )
    return paths, sends


def probe_step(members: Sequence[MemberSpec]) -> ProbeWrites:
    """Return the step that puts and gets a key through these members."""
    return ProbeWrites(
        host="-",
        title=f"write through {', '.join(m.name for m in members)}, and read it back",
        reason="a put and a get through each; the one key that it takes is deleted again",
        members=tuple(m.name for m in members),
    )


def backup_step(member: MemberSpec, path: str) -> TakeBackup:
    """Return the step that saves the recovered cluster on the machine that we run on."""
    return TakeBackup(
        host="-",
        title=f"save a snapshot of {member.name} as {path}",
        reason="older backups are of another cluster: this is the first of the new one",
        member=member.name,
        path=path,
    )


def _bumped(bump_revision: int | None) -> str:
    return f", its revision bumped by {bump_revision}" if bump_revision else ""


def set_aside_step(member: MemberSpec, workspace: Workspace) -> SetAside:
    """Return the step that renames a member's data out of the way."""
    return SetAside(
        host=member.host,
        title=f"set the data of {member.name} aside as {workspace.swaps[0].aside}",
        reason="renamed, never removed: this is what a rollback puts back",
        together="set-aside",
        member=member.name,
        swaps=_swaps(workspace),
    )


def start_steps(members: Sequence[MemberSpec], why: str) -> list[Step[World]]:
    """Return the steps that start members, all at once: one alone would wait for the others."""
    return [
        StartMember(
            host=m.host,
            title=f"start {m.name}",
            reason=why,
            member=m.name,
            together=f"start {members[0].name}",
        )
        for m in members
    ]


def health_step(members: Sequence[MemberSpec]) -> AwaitHealth:
    """Return the step that waits until these members serve."""
    names = tuple(m.name for m in members)
    return AwaitHealth(
        host="-",
        title=f"wait for {', '.join(names)} to serve, and compare what they hold",
        reason="a linearizable read through each, one leader, one hash at one revision",
        members=names,
    )


def _swaps(workspace: Workspace) -> tuple[SwapModel, ...]:
    return tuple(SwapModel(live=s.live, aside=s.aside, fresh=s.fresh) for s in workspace.swaps)


def _owner_candidates(
    member: MemberSpec, cluster: Cluster, workspaces: Mapping[str, Workspace]
) -> tuple[str, ...]:
    """Return the paths whose owner the new data gets: the old data's, else another member's."""
    others = [m for m in cluster.members if m.name != member.name and m.host == member.host]
    return tuple(
        path
        for m in (member, *others)
        for path in (workspaces[m.name].swaps[0].aside, workspaces[m.name].swaps[0].live)
    )
