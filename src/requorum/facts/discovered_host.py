"""What runs etcd on a host of which nothing is known but its address."""

from collections.abc import Sequence
from dataclasses import dataclass

from requorum.domain.cluster import MemberSpec, StaticPodService, SystemdService, Tls
from requorum.domain.cluster_draft import ClientDraft, ClusterDraft, ServiceKind
from requorum.domain.member_settings import MemberSettings
from requorum.errors import RequorumError
from requorum.facts.member_settings import ASK_DEADLINE, read_member
from requorum.inspection.drafted_members import client_certificates, draft_of_settings
from requorum.ports.host import Host

MANIFEST = "/etc/kubernetes/manifests/etcd.yaml"
APISERVER_MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
_UNIT = "etcd.service"
_CLIENT_UNITS = ("kubelet.service", "kube-apiserver.service")
"""In the order in which they are stopped."""


@dataclass(frozen=True, slots=True)
class DiscoveredHost:
    """The member of a host and, by its initial-cluster, the others; and what uses etcd there.

    `tls` is where client certificates lie on the host, None where none were found.
    """

    settings: MemberSettings
    draft: ClusterDraft
    clients: tuple[ClientDraft, ...]
    tls: Tls | None


async def discover_host(
    host: Host, *, unit: str | None = None, manifest: str | None = None
) -> DiscoveredHost:
    """Ask for the unit or manifest named, else look for one; RequorumError where there is none."""
    kind, service = await _service(host, unit, manifest)
    spec = MemberSpec(
        name="etcd",
        host=host.name,
        peer_url="",
        client_url="",
        data_dir="",
        service=SystemdService(unit=service)
        if kind == "systemd"
        else StaticPodService(manifest=service),
    )
    found = await read_member(host, spec)
    draft = draft_of_settings(
        found.settings, kind=kind, service=service, host=host.name, source=host.name
    )
    return DiscoveredHost(
        settings=found.settings,
        draft=draft,
        clients=await _clients(host),
        tls=await _client_certificates(host, found.settings),
    )


async def _service(host: Host, unit: str | None, manifest: str | None) -> tuple[ServiceKind, str]:
    if manifest is not None:
        return "static-pod", manifest
    if unit is not None:
        return "systemd", unit if unit.endswith(".service") else f"{unit}.service"
    units = await _loaded(host, await _units_named_etcd(host))
    if len(units) == 1 or _UNIT in units:
        return "systemd", _UNIT if _UNIT in units else units[0]
    if units:
        raise RequorumError(
            f"{host.name} has several units that may run etcd: {', '.join(units)}",
            hint="Name the right one with --unit.",
        )
    if await host.stat(MANIFEST) is not None:
        return "static-pod", MANIFEST
    raise RequorumError(
        f"{host.name} has neither a unit of etcd nor the manifest {MANIFEST}",
        hint="Name what runs it with --unit or --pod-manifest.",
    )


async def _units_named_etcd(host: Host) -> Sequence[str]:
    """Return the units whose names begin with etcd; none on a host without systemd."""
    done = await host.run(
        ("systemctl", "--no-pager", "--no-legend", "--plain", "list-unit-files",
         "--type=service", "etcd*"),
        deadline=ASK_DEADLINE,
    )  # fmt: skip  # one command
    names = [line.split()[0] for line in done.stdout.splitlines() if line.split()]
    return [name for name in names if not name.endswith("@.service")]


async def _loaded(host: Host, units: Sequence[str]) -> list[str]:
    """Return those that systemd has; none on a host that systemd does not run."""
    found = []
    for unit in units:
        argv = ("systemctl", "--no-pager", "show", "--property=LoadState", "--", unit)
        done = await host.run(argv, deadline=ASK_DEADLINE)
        if done.returncode == 0 and done.stdout.strip() == "LoadState=loaded":
            found.append(unit)
    return found


async def _clients(host: Host) -> tuple[ClientDraft, ...]:
    """Return the API server, and kubelet where that does not itself run the API server.

    Without a kubelet no static pod stops or starts, so it is left alone where there is one.
    """
    here = (host.name,)
    if await host.stat(APISERVER_MANIFEST) is not None:
        return (ClientDraft(kind="manifest", value=APISERVER_MANIFEST, hosts=here, source="found"),)
    units = await _loaded(host, _CLIENT_UNITS)
    if _CLIENT_UNITS[1] not in units:
        return ()
    return tuple(ClientDraft(kind="unit", value=u, hosts=here, source="found") for u in units)


async def _client_certificates(host: Host, settings: MemberSettings) -> Tls | None:
    for tls in client_certificates(settings.client_tls):
        paths = (tls.cacert, tls.cert, tls.key)
        if all([path is None or await host.stat(path) is not None for path in paths]):
            return tls
    return None
