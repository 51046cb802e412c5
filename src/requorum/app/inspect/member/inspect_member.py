"""The use case behind `requorum inspect member`."""

import asyncio
from collections.abc import Collection, Iterator

from requorum.app.inspect.member.findings import findings_of
from requorum.app.inspect.member.results import (
    ContradictionResult,
    DriftResult,
    MemberSettingsResult,
    MembersResult,
    SettingResult,
)
from requorum.app.wiring import open_hosts
from requorum.domain.cluster import Cluster, MemberSpec, StaticPodService, SystemdService
from requorum.domain.member_settings import MemberSettings, Setting
from requorum.errors import RequorumError, UsageError
from requorum.facts.configured_member import configured_member
from requorum.facts.running_member import running_member
from requorum.inspection.member_configuration import UnitSource
from requorum.ports.host import Host


async def inspect_members(cluster: Cluster, names: Collection[str]) -> MembersResult:
    """Ask the hosts of these members, of all where none is named; UsageError for no member."""
    known = [m.name for m in cluster.members]
    for name in names:
        if name not in known:
            raise UsageError(
                f"the cluster file has no member {name}", hint=f"Its members: {', '.join(known)}."
            )
    wanted = [m for m in cluster.members if not names or m.name in names]
    async with open_hosts(cluster) as hosts:
        found = await asyncio.gather(*(inspected(hosts[m.host], m) for m in wanted))
    return MembersResult(members=tuple(found))


async def inspected(host: Host, member: MemberSpec) -> MemberSettingsResult:
    """Return what is found; what cannot be told of one member keeps none of the others."""
    try:
        return await _told(host, member)
    except RequorumError as error:
        return MemberSettingsResult(
            name=member.name, host=member.host, service=_service(member), problem=error.message
        )


async def _told(host: Host, member: MemberSpec) -> MemberSettingsResult:
    found = await configured_member(host, member)
    configuration, settings = found.configuration, found.configuration.settings
    running = await running_member(host, configuration)
    source = configuration.source
    result = MemberSettingsResult(
        name=member.name,
        host=member.host,
        service=_service(member),
        binary=settings.binary,
        user=settings.user or "root",
        settings=tuple(_shown(settings)),
        ignored=tuple(map(_set, settings.ignored)),
        conflicting=tuple(map(_set, settings.shadowed)),
        contradictions=tuple(
            ContradictionResult(field=c.field, cluster_file=c.said, member=c.real, place=c.place)
            for c in found.contradictions
        ),
        pid=running.pid if running else None,
        drift=tuple(
            DriftResult(flag=d.flag, running=d.running, next=d.next)
            for d in (running.drift if running else ())
        ),
        needs_reload=isinstance(source, UnitSource) and source.needs_reload,
        config_file_newer=running is not None and running.config_file_newer,
    )
    return result.model_copy(update={"findings": findings_of(result, found.contradictions)})


def _service(member: MemberSpec) -> str:
    match member.service:
        case SystemdService(unit=unit):
            return unit
        case StaticPodService(manifest=manifest):
            return manifest
        case _:
            return "commands"


def _shown(settings: MemberSettings) -> Iterator[SettingResult]:
    """Yield what decides how the member runs, defaults as well, then all else that is set."""
    known = _decisive(settings)
    for flag, default in known.items():
        setting = settings.settings.get(flag)
        if setting is not None:
            yield _set(setting)
        elif default:
            yield SettingResult(
                flag=flag, value=default, source="default", place=None, variable=None
            )
    yield from (_set(s) for flag, s in settings.settings.items() if flag not in known)


def _decisive(settings: MemberSettings) -> dict[str, str]:
    """Return the flags by which members differ and recover, in the order of a reader's interest."""
    return {
        "name": settings.name,
        "data-dir": settings.data_dir,
        "wal-dir": settings.wal_dir or "",
        "listen-client-urls": ",".join(settings.listen_client_urls),
        "advertise-client-urls": ",".join(settings.advertise_client_urls),
        "listen-peer-urls": ",".join(settings.listen_peer_urls),
        "initial-advertise-peer-urls": ",".join(settings.advertise_peer_urls),
        "initial-cluster": settings.initial_cluster,
        "initial-cluster-state": settings.initial_cluster_state,
        "initial-cluster-token": settings.initial_cluster_token,
        "force-new-cluster": "false",
        "quota-backend-bytes": str(settings.quota_backend_bytes or "2147483648"),
    }


def _set(setting: Setting) -> SettingResult:
    place = setting.place
    return SettingResult(
        flag=setting.flag,
        value=setting.value,
        source=place.means.value,
        place=str(place),
        variable=place.variable,
    )
