"""The use cases behind `requorum member replace`, `member add` and `member remove`."""

import time
from collections.abc import Callable, Mapping
from typing import Literal

from requorum.app.members.facts import join_facts, membership_fingerprint
from requorum.app.members.furnish import parked_places
from requorum.app.recovery.operator import Operator
from requorum.app.recovery.prepared import (
    Prepared,
    backup_path,
    next_run_id,
    prepared,
    workspaces_of,
)
from requorum.app.wiring import fitting_binaries, open_reach
from requorum.domain.cluster import Cluster, StaticPodService
from requorum.domain.version import EtcdVersion
from requorum.errors import Refused
from requorum.facts.membership import Membership
from requorum.facts.survey import Reach, unreachable_members
from requorum.runbooks.add_member import plan_addition
from requorum.runbooks.exchange_data import RecoveryPlan
from requorum.runbooks.remove_member import plan_removal
from requorum.runbooks.replace_member import plan_replacement

Runbook = Callable[..., RecoveryPlan]
Verb = Literal["replace", "add", "remove"]

_RUNBOOKS: Mapping[Verb, Runbook] = {
    "replace": plan_replacement,
    "add": plan_addition,
    "remove": plan_removal,
}


async def prepare_change(
    operator: Operator, cluster: Cluster, verb: Verb, name: str, *, backup: bool = True
) -> Prepared:
    """Gather the facts and plan; Refused, Unreachable or ToolUnfit with what to do instead.

    `backup`: whether a snapshot is saved before anything is changed.
    """
    began = time.monotonic()
    run = next_run_id()
    async with open_reach(cluster, operator.credentials) as reach:
        unreachable = await unreachable_members(cluster, reach)
        there = cluster.without(unreachable)
        if verb != "remove" and name not in unreachable:
            await _refuse_unfurnished(cluster, reach, name)
        facts = await join_facts(cluster, reach, name, unreachable, joins=verb != "remove")
        member = there.without({m.name for m in there.members} - {name})
        workspaces = await workspaces_of(member, reach, run)
        found = _RUNBOOKS[verb](
            cluster,
            facts,
            name,
            workspace=workspaces.get(name),
            backup=backup_path(operator, run, name="before.db") if backup else None,
        )
        if verb != "remove":
            await _refuse_unfit_binary(operator, cluster, reach, name, facts.membership)
        fingerprint = await membership_fingerprint(there, reach, name)
    return prepared(
        found,
        runbook=f"member {verb}",
        run=run,
        cluster=there,
        binaries={},
        fingerprint=fingerprint,
        began=began,
        member=name,
    )


async def _refuse_unfurnished(cluster: Cluster, reach: Reach, name: str) -> None:
    """Raise Refused where the member's machine lacks what the cluster file says it needs."""
    host = reach.hosts[name]
    parked = parked_places(cluster.member(name))
    lacking = [
        file.path
        for file in cluster.files
        if await host.stat(file.path) is None
        and await host.stat(parked.get(file.path, file.path)) is None
    ]
    if lacking:
        raise Refused(
            f"the machine of {name} lacks {len(lacking)} of {len(cluster.files)} files that a "
            f"member needs: {', '.join(lacking)}",
            hint=f"`requorum member furnish {name}` copies them from one that serves.",
        )


async def _refuse_unfit_binary(
    operator: Operator, cluster: Cluster, reach: Reach, name: str, now: Membership
) -> None:
    """Raise ToolUnfit where the host has no etcd of the minor that the others run.

    A static pod brings its own with its image.
    """
    spec = cluster.member(name)
    if isinstance(spec.service, StaticPodService):
        return
    versions = [EtcdVersion.parse(status.version) for status in now.statuses.values()]
    least = min((version for version in versions if version is not None), default=None)
    await fitting_binaries(reach.hosts[name], spec, cluster, operator.settings, version=least)
