"""The one place where clients are built and handed to the floors below."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from requorum.app.settings import Credentials, Settings
from requorum.clients.etcd.channel import TlsMaterial
from requorum.clients.etcd.client import connect
from requorum.clients.etcdtools.binaries import locate
from requorum.clients.hosts.at import host_at
from requorum.clients.hosts.command_service import CommandServiceControl
from requorum.clients.hosts.command_settings import CommandSettingsControl
from requorum.clients.hosts.ssh.destination import SshSettings
from requorum.clients.hosts.static_pod_service import StaticPodControl
from requorum.clients.hosts.systemd_fence import SystemdFence
from requorum.clients.hosts.systemd_service import SystemdServiceControl
from requorum.domain.binaries import EtcdBinaries
from requorum.domain.cluster import (
    Cluster,
    CommandService,
    MemberSpec,
    Service,
    Ssh,
    StaticPodService,
    SystemdService,
    Tls,
)
from requorum.domain.version import EtcdVersion
from requorum.errors import Barred, ToolUnfit, Unreachable, UsageError
from requorum.facts.live import Connect
from requorum.facts.survey import Reach
from requorum.ports.etcd import Etcd
from requorum.ports.host import Host
from requorum.ports.service import ServiceControl, SettingsControl

KUBELET = "kubelet.service"
ETCD_TOOLS_HINT = "Name the directory of fitting etcd binaries with --etcd-bin-dir."


def tls_material(tls: Tls | None) -> TlsMaterial | None:
    """Read the client certificates; UsageError names the file that cannot be read."""
    if tls is None:
        return None
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


def _through(host: Host, tls: TlsMaterial | None, credentials: Credentials | None) -> Connect:
    """Return what makes clients for URLs as that host sees them."""
    login = (credentials.user, credentials.password) if credentials else None

    def make(endpoint: str) -> Etcd:
        url = urlsplit(endpoint)

        async def way() -> tuple[str, int]:
            try:
                return await host.forward(url.hostname or "", url.port or 0)
            except Barred:
                raise
            except Unreachable as error:
                # No hint: nobody is there. A host's own trouble is told where the host is asked.
                raise Unreachable(error.message) from error

        return connect(endpoint, tls=tls, credentials=login, way=way)

    return make


@asynccontextmanager
async def open_hosts(cluster: Cluster) -> AsyncIterator[Mapping[str, Host]]:
    """Yield every host of the cluster file, by its name there; each connects when first asked."""
    named = [*cluster.hosts, *(name for client in cluster.clients for name in client.hosts)]
    async with AsyncExitStack() as stack:
        hosts = {name: host_of(name, cluster.ssh) for name in named}
        for host in hosts.values():
            stack.push_async_callback(host.close)
        yield hosts


@asynccontextmanager
async def open_reach(cluster: Cluster, credentials: Credentials | None) -> AsyncIterator[Reach]:
    """Yield the way to every member, open for the running event loop.

    Hosts are connected when they are first asked, so one that does not answer is a fact that is
    found later. Only certificates that lie on the hosts are read at once.
    """
    async with open_hosts(cluster) as hosts:
        members = {m.name: hosts[m.host] for m in cluster.members}
        tls = await tls_of(cluster.tls, list(hosts.values()))
        yield Reach(
            hosts=members,
            services={m.name: service_control(hosts[m.host], m.service) for m in cluster.members},
            connect=connector(tls, credentials),
            clients={
                (client.name, name): service_control(hosts[name], client.service)
                for client in cluster.clients
                for name in client.hosts
            },
            forwarded={
                m.name: _through(hosts[m.host], tls, credentials)
                for m in cluster.members
                if cluster.through_host(m)
            },
            settings={
                m.name: control
                for m in cluster.members
                if (control := settings_control(hosts[m.host], m.service)) is not None
            },
            fences={
                m.name: SystemdFence(hosts[m.host], m.service.unit)
                for m in cluster.members
                if isinstance(m.service, SystemdService)
            },
        )


def service_control(host: Host, service: Service) -> ServiceControl:
    """Return how that service of a host is started and stopped."""
    match service:
        case CommandService():
            return CommandServiceControl(host, service)
        case SystemdService(unit=unit):
            return SystemdServiceControl(host, unit)
        case StaticPodService(manifest=manifest):
            kubelet = SystemdServiceControl(host, KUBELET)
            return StaticPodControl(host, manifest, kubelet=kubelet)


def settings_control(host: Host, service: Service) -> SettingsControl | None:
    """Return how the settings of that service's member are changed; None where we cannot."""
    match service:
        case CommandService(configure=tuple() as command):
            return CommandSettingsControl(host, command)
        case _:
            return None


async def tls_of(tls: Tls | None, hosts: Sequence[Host]) -> TlsMaterial | None:
    """Read the client certificates, from the first host that answers where they lie on hosts."""
    if tls is None or tls.on == "here":
        return tls_material(tls)
    troubles: list[str] = []
    for host in hosts:
        try:
            return TlsMaterial(
                cacert=await _pem_on(host, tls.cacert),
                cert=await _pem_on(host, tls.cert),
                key=await _pem_on(host, tls.key),
            )
        except (Unreachable, UsageError) as error:
            troubles.append(error.message)
    raise Unreachable(
        f"the certificates can be read from no host: {'; '.join(troubles)}",
        hint="Say `tls.on: here` and name copies of them on this machine.",
    )


async def _pem_on(host: Host, path: str | None) -> bytes | None:
    if path is None:
        return None
    found = await host.stat(path)
    if found is None or found.kind != "file":
        raise UsageError(f"there is no file {path} on {host.name}")
    async with host.open(path) as source:
        return await asyncio.to_thread(lambda: bytes(source.read(0, source.size)))


def host_of(destination: str, ssh: Ssh) -> Host:
    """Return the host at a destination; it connects when first asked, the caller closes it."""
    settings = SshSettings(
        user=ssh.user,
        port=ssh.port,
        identity_files=ssh.identity_files,
        known_hosts=ssh.known_hosts,
        jump=ssh.jump,
        become=ssh.become,
    )
    return host_at(destination, destination, settings)


def _start_command(service: Service) -> tuple[str, ...]:
    """Return where a service names etcd's own programs, if it does."""
    return service.start if isinstance(service, CommandService) else ()


async def binaries_for(
    cluster: Cluster, reach: Reach, settings: Settings, *, version: EtcdVersion | None
) -> Mapping[str, EtcdBinaries]:
    """Find etcd's own tools for every member, of the minor version that wrote the data."""
    found = await asyncio.gather(
        *(
            fitting_binaries(reach.hosts[m.name], m, cluster, settings, version=version)
            for m in cluster.members
        )
    )
    for binaries in found:
        _refuse_without_restore(binaries)
    return {m.name: b for m, b in zip(cluster.members, found, strict=True)}


async def fitting_binaries(
    host: Host,
    member: MemberSpec,
    cluster: Cluster,
    settings: Settings,
    *,
    version: EtcdVersion | None,
) -> EtcdBinaries:
    """Find etcd on the member's host, of that minor; ToolUnfit where there is none."""
    return await locate(
        host,
        wanted=version.minor_series if version else None,
        bin_dir=cluster.etcd_bin_dir,
        hints=_start_command(member.service),
        cache_dir=str(settings.etcd_cache),
    )


def _refuse_without_restore(binaries: EtcdBinaries) -> None:
    if binaries.version.restores_with_etcdutl and not binaries.has_etcdutl:
        raise ToolUnfit(
            f"etcd {binaries.version} in {binaries.directory} has no etcdutl beside it, "
            "which alone knows `snapshot restore` since 3.5",
            hint=ETCD_TOOLS_HINT,
        )
