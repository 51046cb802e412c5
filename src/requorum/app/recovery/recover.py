"""The use case behind `requorum recover`."""

import time
from collections.abc import Collection

from requorum.app.recovery.operator import Operator
from requorum.app.recovery.prepared import (
    Prepared,
    backup_path,
    facts_fingerprint,
    next_run_id,
    prepared,
    workspaces_of,
)
from requorum.app.results import MemberHealth, RecoverResult
from requorum.app.wiring import binaries_for, open_reach
from requorum.domain.cluster import Cluster
from requorum.domain.version import EtcdVersion
from requorum.facts.configured_member import configurations
from requorum.facts.survey import Survey, survey, unreachable_members
from requorum.runbooks.recover import NothingToDo, plan_recovery


async def prepare_recovery(
    operator: Operator, cluster: Cluster, *, lost: Collection[str] = (), backup: bool = True
) -> Prepared | RecoverResult:
    """Gather the facts and plan; a result where there is nothing to do.

    `lost` are members of which the operator knows that they run nowhere any more. `backup`:
    whether the recovered cluster is saved at the end.
    Raises Refused, Unreachable or DamagedInput with what to do instead.
    """
    began = time.monotonic()
    async with open_reach(cluster, operator.credentials) as reach:
        unreachable = await unreachable_members(cluster, reach)
        there = cluster.without(unreachable)
        fingerprint = await facts_fingerprint(there, reach)
        configured = await configurations(there, reach.hosts)
        facts = await survey(cluster, reach, unreachable)
        run = next_run_id()
        workspaces = await workspaces_of(there, reach, run)
        version = version_of_data(facts)
        binaries = await binaries_for(there, reach, operator.settings, version=version)
    found = plan_recovery(
        cluster,
        facts,
        run=run,
        binaries=binaries,
        workspaces=workspaces,
        lost=lost,
        backup=backup_path(operator, run) if backup else None,
        configured=configured,
    )
    if isinstance(found, NothingToDo):
        return RecoverResult(
            outcome="nothing-to-do",
            members=tuple(MemberHealth(name=m.name, healthy=True) for m in cluster.members),
            seconds=round(time.monotonic() - began, 3),
            reasons=found.summary,
        )
    return prepared(
        found,
        runbook="recover",
        run=run,
        cluster=there,
        binaries=binaries,
        fingerprint=fingerprint,
        began=began,
    )


UNDECIDED = (3, 0)
"""The cluster version of the first seconds, until the members have agreed on their own.

Source: etcd api/version/version.go MinClusterVersion, server/etcdserver/server.go.
"""


def version_of_data(facts: Survey) -> EtcdVersion | None:
    """Return the version that wrote the data, None where no file says it."""
    texts: list[str | None] = []
    for member in facts.evidence.members.values():
        state = member.database.state if member.database else None
        if state is not None:
            texts += [state.storage_version, state.cluster_version]
        texts += [snap.cluster_version for snap in member.snaps]
    versions = [v for text in texts if text and (v := EtcdVersion.parse(text))]
    return max((v for v in versions if v.minor_series != UNDECIDED), default=None)
