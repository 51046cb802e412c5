"""The use case behind `requorum recover`."""

import time
from datetime import UTC, datetime

from requorum.app.recovery.run_plan import (
    Operator,
    Prepared,
    context_of,
    facts_fingerprint,
    next_run_id,
    workspaces_of,
)
from requorum.app.results import LossResult, MemberHealth, RecoverResult
from requorum.app.wiring import binaries_for, reach_of
from requorum.domain.cluster import Cluster
from requorum.domain.version import EtcdVersion
from requorum.facts.survey import Survey, survey
from requorum.runbooks.recover import NothingToDo, plan_recovery
from requorum.runbooks.steps.world import World
from requorum.workflow.plan import Plan


async def prepare_recovery(operator: Operator, cluster: Cluster) -> Prepared | RecoverResult:
    """Gather the facts and plan; a result where there is nothing to do.

    Raises Refused, Unreachable or DamagedInput with what to do instead.
    """
    began = time.monotonic()
    reach = reach_of(cluster, operator.credentials)
    fingerprint = await facts_fingerprint(cluster, reach)
    facts = await survey(cluster, reach)
    run = next_run_id()
    workspaces = await workspaces_of(cluster, reach, run)
    binaries = await binaries_for(cluster, reach, operator.settings, version=version_of_data(facts))
    found = plan_recovery(cluster, facts, run=run, binaries=binaries, workspaces=workspaces)
    if isinstance(found, NothingToDo):
        return RecoverResult(
            outcome="nothing-to-do",
            members=tuple(MemberHealth(name=m.name, healthy=True) for m in cluster.members),
            seconds=round(time.monotonic() - began, 3),
            reasons=found.summary,
        )
    loss = LossResult.of(found.loss)
    plan = Plan[World](
        run_id=run,
        runbook="recover",
        created=datetime.now(UTC),
        subject=cluster.name,
        summary=found.summary,
        warnings=found.warnings,
        fingerprint=fingerprint,
        context=context_of(cluster, binaries, path=found.path, loss=loss.model_dump(mode="json")),
        steps=found.steps,
    )
    world = World(run=run, cluster=cluster, reach=reach, binaries=binaries)
    return Prepared(plan=plan, loss=loss, world=world, began=began)


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
