"""A plan that waits for approval, and what every runbook needs to make one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import SystemRandom

from pydantic import JsonValue, TypeAdapter

from requorum.app.recovery.operator import Operator
from requorum.app.results import LossResult
from requorum.domain.binaries import EtcdBinaries
from requorum.domain.cluster import Cluster, MemberSpec
from requorum.facts.survey import Reach, running_members, stamps_of
from requorum.ports.host import Host
from requorum.runbooks.exchange_data import RecoveryPlan
from requorum.runbooks.steps.world import World
from requorum.runbooks.workspace import Workspace, workspace_of
from requorum.workflow.plan import Plan, fingerprint_of, new_run_id

CLUSTER: TypeAdapter[Cluster] = TypeAdapter(Cluster)
BINARIES: TypeAdapter[dict[str, EtcdBinaries]] = TypeAdapter(dict[str, EtcdBinaries])


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A plan that waits for approval; `began` is time.monotonic() when the command did.

    The plan's context holds all that another process needs to go on with it, and no secret.
    """

    plan: Plan[World]
    loss: LossResult
    began: float


def prepared(
    found: RecoveryPlan,
    *,
    runbook: str,
    run: str,
    cluster: Cluster,
    binaries: Mapping[str, EtcdBinaries],
    fingerprint: str,
    began: float,
    member: str | None = None,
) -> Prepared:
    """Make what a runbook decided the plan that is shown, approved, kept and run.

    `cluster` holds the members that the plan acts on. `member` is the one that joins a cluster
    which serves, None where the cluster as a whole is brought back.
    """
    loss = LossResult.of(found.loss)
    context: dict[str, JsonValue] = {
        "cluster": CLUSTER.dump_python(cluster, mode="json"),
        "binaries": BINARIES.dump_python(dict(binaries), mode="json"),
        "path": found.path,
        "loss": loss.model_dump(mode="json"),
        "member": member,
    }
    plan = Plan[World](
        run_id=run,
        runbook=runbook,
        created=datetime.now(UTC),
        subject=cluster.name,
        summary=found.summary,
        warnings=found.warnings,
        fingerprint=fingerprint,
        context=context,
        steps=found.steps,
    )
    return Prepared(plan=plan, loss=loss, began=began)


def next_run_id() -> str:
    """Return a new run's id."""
    return new_run_id(datetime.now(UTC), SystemRandom())


def backup_path(operator: Operator, run: str, *, name: str = "recovered.db") -> str:
    """Return where a run keeps the snapshot that it takes at its end, or `name` before it."""
    return str(operator.settings.runs_dir / run / name)


async def workspaces_of(cluster: Cluster, reach: Reach, run: str) -> Mapping[str, Workspace]:
    """Return where this run keeps what it sets aside and makes, by member."""
    found: dict[str, Workspace] = {}
    for member in cluster.members:
        host = reach.hosts[member.name]
        real = await _without_links(host, member)
        data = await host.stat(real.data_dir)
        wal = await host.stat(real.wal_dir) if real.wal_dir else None
        found[member.name] = workspace_of(
            real,
            run,
            data_dir_is_mount=data is not None and data.is_mount_point,
            wal_dir_is_mount=wal is not None and wal.is_mount_point,
        )
    return found


async def _without_links(host: Host, member: MemberSpec) -> MemberSpec:
    """Follow links: what is renamed is the directory, on its own disk, never a link to it."""
    wal_dir = await host.real_path(member.wal_dir) if member.wal_dir else None
    return replace(member, data_dir=await host.real_path(member.data_dir), wal_dir=wal_dir)


async def facts_fingerprint(cluster: Cluster, reach: Reach) -> str:
    """Return the fingerprint of what a plan rests on: what runs, and what files hold still."""
    return fingerprint_of(await file_facts(cluster, reach))


async def file_facts(cluster: Cluster, reach: Reach) -> dict[str, JsonValue]:
    """Return what runs, and every file that holds still, by member.

    A running member's files move by themselves; that it runs is the fact.
    """
    running = await running_members(cluster, reach)
    stamps = await stamps_of(cluster, reach)
    return {
        m.name: {
            "running": running[m.name],
            "files": {}
            if running[m.name]
            else {path: list(stamp) for path, stamp in stamps[m.name].items()},
        }
        for m in cluster.members
    }
