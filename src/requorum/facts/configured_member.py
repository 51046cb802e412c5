"""What a member really runs with, held against what the cluster file says of it."""

from dataclasses import dataclass, replace

from requorum.domain.cluster import MemberSpec
from requorum.facts.member_settings import read_member
from requorum.inspection.contradictions import Contradiction, contradictions
from requorum.inspection.member_configuration import MemberConfiguration
from requorum.ports import Host


@dataclass(frozen=True, slots=True)
class ConfiguredMember:
    """What a member's host says that it runs with, and where the cluster file says otherwise."""

    configuration: MemberConfiguration
    contradictions: tuple[Contradiction, ...]


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
