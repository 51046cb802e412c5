"""The use case behind `requorum member furnish`."""

import time
from urllib.parse import urlsplit

from requorum.app.members.facts import furnish_fingerprint
from requorum.app.recovery.operator import Operator
from requorum.app.recovery.prepared import Prepared, next_run_id, prepared
from requorum.app.results import MemberHealth, RecoverResult
from requorum.app.wiring import open_reach
from requorum.domain.cluster import Cluster, MemberSpec, StaticPodService, SystemdService
from requorum.domain.static_pod_files import parked_manifest
from requorum.errors import NoSuchUnit, Refused, StepFailed, UsageError
from requorum.facts.host_files import HostFiles, folder_like, host_files, words_of
from requorum.facts.live import ask_members
from requorum.facts.survey import Reach, unreachable_members
from requorum.ports.host import Host
from requorum.runbooks.furnish_member import FurnishFacts, plan_furnishing
from requorum.runbooks.recover import NothingToDo

ASK_DEADLINE = 15.0


async def prepare_furnishing(
    operator: Operator, cluster: Cluster, name: str
) -> Prepared | RecoverResult:
    """Compare the new machine with one that serves, and plan; a result where it has all.

    Raises Refused, Unreachable or UsageError with what to do instead.
    """
    if not cluster.files:
        raise UsageError(
            "the cluster file names no `files` that a new machine needs",
            hint="docs/reference/cluster-file.md has an example.",
        )
    began = time.monotonic()
    async with open_reach(cluster, operator.credentials) as reach:
        unreachable = await unreachable_members(cluster, reach)
        if name in unreachable:
            raise Refused(
                f"the host of {name} does not answer: {unreachable[name]}",
                hint="Name the new machine as its `host` in the cluster file.",
            )
        there = cluster.without(unreachable)
        live = await ask_members(there, reach.etcd)
        serving = [m for m in there.members if m.name != name and live[m.name].reads]
        if not serving:
            raise Refused(
                "no other member whose host answers serves, so there is nobody to copy from",
                hint="`requorum recover` brings the others back first.",
            )
        facts = await _facts(cluster, reach, cluster.member(name), serving[0])
        found = plan_furnishing(cluster, facts, name)
        fingerprint = await furnish_fingerprint(there, reach, name)
    if isinstance(found, NothingToDo):
        return RecoverResult(
            outcome="nothing-to-do",
            members=tuple(
                MemberHealth(name=m.name, healthy=live[m.name].reads) for m in there.members
            ),
            seconds=round(time.monotonic() - began, 3),
            reasons=found.summary,
        )
    return prepared(
        found,
        runbook="member furnish",
        run=next_run_id(),
        cluster=there,
        binaries={},
        fingerprint=fingerprint,
        began=began,
        member=name,
    )


async def _facts(
    cluster: Cluster, reach: Reach, spec: MemberSpec, source: MemberSpec
) -> FurnishFacts:
    peer, new = reach.hosts[source.name], reach.hosts[spec.name]
    words = await words_of(peer, new, source, spec, _addresses(source, spec))
    files = await host_files(peer, new, cluster.files, words, elsewhere=parked_places(spec))
    data = await folder_like(peer, source.data_dir, new, spec.data_dir)
    return FurnishFacts(
        source=source,
        files=HostFiles((*files.found, data), files.left_out, files.missing),
        words=words,
        running=await _runs(reach, spec),
        enabled=await _enabled(new, spec),
    )


def parked_places(spec: MemberSpec) -> dict[str, str]:
    """Return where the member's own manifest goes: kubelet would start it where it reads it."""
    match spec.service:
        case StaticPodService(manifest=manifest):
            return {manifest: parked_manifest(manifest)}
        case _:
            return {}


def _addresses(source: MemberSpec, spec: MemberSpec) -> dict[str, str]:
    pairs = ((source.peer_url, spec.peer_url), (source.client_url, spec.client_url))
    return {str(urlsplit(old).hostname): str(urlsplit(new).hostname) for old, new in pairs}


async def _runs(reach: Reach, spec: MemberSpec) -> bool:
    """Return whether it runs; a unit that is not there yet does not, nor a pod without a kubelet.

    Where systemd does not tell, StepFailed: files of a member that runs are not written over.
    """
    absent = StepFailed if isinstance(spec.service, StaticPodService) else NoSuchUnit
    try:
        return await reach.services[spec.name].running()
    except absent:
        return False


async def _enabled(host: Host, spec: MemberSpec) -> bool:
    if not isinstance(spec.service, SystemdService):
        return True
    argv = ("systemctl", "--quiet", "is-enabled", "--", spec.service.unit)
    return (await host.run(argv, deadline=ASK_DEADLINE)).returncode == 0
