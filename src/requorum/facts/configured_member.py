"""What a member really runs with, held against what the cluster file says of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from requorum.domain.cluster import Cluster, CommandService, MemberSpec
from requorum.errors import DamagedInput
from requorum.facts.member_settings import read_member
from requorum.inspection.contradictions import Contradiction, contradictions
from requorum.inspection.member_configuration import MemberConfiguration
from requorum.ports.host import Host


@dataclass(frozen=True, slots=True)
class ConfiguredMember:
    """What a member's host says that it runs with, and where the cluster file says otherwise."""

    configuration: MemberConfiguration
    contradictions: tuple[Contradiction, ...]


@dataclass(frozen=True, slots=True)
class Configurations:
    """What members run with, by name. `unknown`: why that of a member cannot be told.

    Members that commands start and stop are in neither: nobody knows what those run.
    """

    known: Mapping[str, ConfiguredMember] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)

    def service_user(self, member: str) -> tuple[str, str] | None:
        """Return user and group, "" for the user's own, that a service names; None: it is root."""
        found = self.known.get(member)
        settings = None if found is None else found.configuration.settings
        return (settings.user, settings.group) if settings is not None and settings.user else None


NOTHING_READ = Configurations()


async def configurations(cluster: Cluster, hosts: Mapping[str, Host]) -> Configurations:
    """Read those of all members at once; `hosts` by member name.

    Texts that cannot be understood are a fact. What keeps us from reading them is an error.
    """
    members = [m for m in cluster.members if not isinstance(m.service, CommandService)]

    async def one(member: MemberSpec) -> ConfiguredMember | str:
        try:
            return await configured_member(hosts[member.name], member)
        except DamagedInput as error:
            return error.message

    found = dict(
        zip([m.name for m in members], await asyncio.gather(*map(one, members)), strict=True)
    )
    return Configurations(
        known={n: f for n, f in found.items() if isinstance(f, ConfiguredMember)},
        unknown={n: f for n, f in found.items() if isinstance(f, str)},
    )


async def configured_member(host: Host, member: MemberSpec) -> ConfiguredMember:
    """Read it; raises as `read_member` does. Directories are the same where links make them so."""
    found = await read_member(host, member)
    settings = found.settings
    real_spec = replace(
        member,
        data_dir=await host.real_path(member.data_dir),
        wal_dir=await _real(host, member.wal_dir),
    )
    real_settings = replace(
        settings,
        data_dir=await host.real_path(settings.data_dir),
        wal_dir=await _real(host, settings.wal_dir),
    )
    return ConfiguredMember(found, contradictions(real_spec, real_settings))


async def _real(host: Host, path: str | None) -> str | None:
    return None if path is None else await host.real_path(path)
