"""The use case behind `requorum restore`."""

import asyncio
import time

from requorum.app.recovery.operator import Operator
from requorum.app.recovery.prepared import (
    Prepared,
    backup_path,
    facts_fingerprint,
    next_run_id,
    prepared,
    workspaces_of,
)
from requorum.app.wiring import binaries_for, open_reach
from requorum.clients.hosts.local import LocalHost
from requorum.domain.cluster import Cluster
from requorum.domain.version import EtcdVersion
from requorum.errors import UsageError
from requorum.facts.configured_member import configurations
from requorum.facts.data_dir import has_data
from requorum.facts.live import ask_members
from requorum.facts.survey import Reach, disks_of, running_clients, running_members
from requorum.inspection.file_verdict import FileVerdict, judge_file
from requorum.runbooks.restore import RestoreFacts, RestoreWishes, plan_restore


async def prepare_restore(
    operator: Operator, cluster: Cluster, wishes: RestoreWishes, *, backup: bool = True
) -> Prepared:
    """Check the file and the cluster, and plan; raises what `plan_restore` raises.

    `backup`: whether the restored cluster is saved at the end.
    """
    began = time.monotonic()
    async with open_reach(cluster, operator.credentials) as reach:
        fingerprint = await facts_fingerprint(cluster, reach)
        facts = await _facts(cluster, reach, wishes.path)
        run = next_run_id()
        workspaces = await workspaces_of(cluster, reach, run)
        version = _version_of(facts.snapshot)
        binaries = await binaries_for(cluster, reach, operator.settings, version=version)
    found = plan_restore(
        cluster,
        facts,
        wishes,
        run=run,
        binaries=binaries,
        workspaces=workspaces,
        backup=backup_path(operator, run) if backup else None,
    )
    return prepared(
        found,
        runbook="restore",
        run=run,
        cluster=cluster,
        binaries=binaries,
        fingerprint=fingerprint,
        began=began,
    )


async def _facts(cluster: Cluster, reach: Reach, path: str) -> RestoreFacts:
    return RestoreFacts(
        live=await ask_members(cluster, reach.etcd),
        running=await running_members(cluster, reach),
        has_data={m.name: await has_data(reach.hosts[m.name], m) for m in cluster.members},
        disks=await disks_of(cluster, reach),
        snapshot=await _examine(path),
        clients=await running_clients(reach),
        configured=await configurations(cluster, reach.hosts),
    )


async def _examine(path: str) -> FileVerdict:
    host = LocalHost()
    found = await host.stat(path)
    if found is None or found.kind != "file":
        raise UsageError(f"there is no file {path}", hint="Give a snapshot file or a copied db.")
    async with host.open(path) as source:
        return await asyncio.to_thread(judge_file, source)


def _version_of(snapshot: FileVerdict) -> EtcdVersion | None:
    state = snapshot.state
    text = (state.storage_version or state.cluster_version) if state else None
    return EtcdVersion.parse(text) if text else None
