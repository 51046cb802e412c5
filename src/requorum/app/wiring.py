"""The one place where clients are built and handed to the floors below."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from requorum.app.settings import Credentials, Settings
from requorum.clients.etcd.channel import TlsMaterial
from requorum.clients.etcd.client import connect
from requorum.clients.etcdtools.binaries import locate
from requorum.clients.hosts.at import host_at
from requorum.clients.hosts.command_service import CommandServiceControl
from requorum.clients.hosts.ssh.destination import SshSettings
from requorum.domain.binaries import EtcdBinaries
from requorum.domain.cluster import Cluster, CommandService, MemberSpec, Ssh, Tls
from requorum.domain.version import EtcdVersion
from requorum.errors import ToolUnfit, UsageError
from requorum.facts.live import Connect
from requorum.facts.survey import Reach
from requorum.ports import Etcd, Host

ETCD_TOOLS_HINT = "Name the directory of fitting etcd binaries with --etcd-bin-dir."


def tls_material(tls: Tls | None) -> TlsMaterial | None:
    """Read the client certificates; UsageError names the file that cannot be read."""
    if tls is None:
        return None
    if tls.on == "hosts":
        raise _not_yet("tls.on: hosts", "here, with files of this machine")
    return TlsMaterial(cacert=_pem(tls.cacert), cert=_pem(tls.cert), key=_pem(tls.key))


def _pem(path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def connector(tls: TlsMaterial | None, credentials: Credentials | None) -> Connect:
    """Return what makes a client for a URL."""
    login = (credentials.user, credentials.password) if credentials else None

    def make(endpoint: str) -> Etcd:
        return connect(endpoint, tls=tls, credentials=login)

    return make


@asynccontextmanager
async def open_reach(cluster: Cluster, credentials: Credentials | None) -> AsyncIterator[Reach]:
    """Yield the way to every member, open for the running event loop.

    Hosts are connected when they are first asked, so one that does not answer is a fact that is
    found later. UsageError where there is no way yet.
    """
    if cluster.clients:
        raise _not_yet("clients", "clusters whose clients you stop and start yourself")
    commands = {m.name: command_of(m) for m in cluster.members}
    async with AsyncExitStack() as stack:
        hosts = {m.host: _host_of(m.host, cluster.ssh) for m in cluster.members}
        for host in hosts.values():
            stack.push_async_callback(host.close)
        yield Reach(
            hosts={m.name: hosts[m.host] for m in cluster.members},
            services={
                m.name: CommandServiceControl(hosts[m.host], commands[m.name])
                for m in cluster.members
            },
            connect=connector(tls_material(cluster.tls), credentials),
        )


def _host_of(destination: str, ssh: Ssh) -> Host:
    settings = SshSettings(
        user=ssh.user,
        port=ssh.port,
        identity_files=ssh.identity_files,
        known_hosts=ssh.known_hosts,
        jump=ssh.jump,
        become=ssh.become,
    )
    return host_at(destination, destination, settings)


def command_of(member: MemberSpec) -> CommandService:
    """Return the member's commands; UsageError where it has none."""
    if not isinstance(member.service, CommandService):
        raise _not_yet(f"member {member.name}: its service's kind", "`kind: command`")
    return member.service


def _not_yet(what: str, instead: str) -> UsageError:
    """Return the refusal of what the cluster file may say and nothing here acts on yet."""
    return UsageError(f"{what}: this release acts only on {instead}")


async def binaries_for(
    cluster: Cluster, reach: Reach, settings: Settings, *, version: EtcdVersion | None
) -> Mapping[str, EtcdBinaries]:
    """Find etcd's own tools for every member, of the minor version that wrote the data."""
    found = await asyncio.gather(
        *(
            locate(
                reach.hosts[member.name],
                wanted=version.minor_series if version else None,
                bin_dir=cluster.etcd_bin_dir,
                hints=command_of(member).start,
                cache_dir=str(settings.etcd_cache),
            )
            for member in cluster.members
        )
    )
    for binaries in found:
        _refuse_without_restore(binaries)
    return {m.name: b for m, b in zip(cluster.members, found, strict=True)}


def _refuse_without_restore(binaries: EtcdBinaries) -> None:
    if binaries.version.restores_with_etcdutl and not binaries.has_etcdutl:
        raise ToolUnfit(
            f"etcd {binaries.version} in {binaries.directory} has no etcdutl beside it, "
            "which alone knows `snapshot restore` since 3.5",
            hint=ETCD_TOOLS_HINT,
        )
