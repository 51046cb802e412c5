"""What an inventory with a group `etcd` tells of the cluster, by kubespray's rules where it is one.

Source: kubespray roles/kubespray_defaults/defaults/main/main.yml (etcd_member_name, etcd_peer_url,
etcd_access_address), roles/etcd/templates/etcd.env.j2, roles/etcd/tasks/gen_certs_script.yml: every
host of the group holds the admin pairs of all. Others keep but addresses in their inventories.
"""

import ipaddress
from collections.abc import Mapping
from posixpath import join

from requorum.domain.cluster import LOCAL, Ssh, Tls
from requorum.domain.cluster_draft import ClientDraft, ClusterDraft, MemberDraft, Told, ToldService
from requorum.errors import DamagedInput
from requorum.formats.ansible_inventory import Inventory

GROUP = "etcd"
_CONTROL_PLANES = ("kube_control_plane", "kube-control-plane", "kube_master", "kube-master")
_APISERVER = "/etc/kubernetes/manifests/kube-apiserver.yaml"
_KUBEADM_MANIFEST = "/etc/kubernetes/manifests/etcd.yaml"
_DATA_DIR = "/var/lib/etcd"
_CERT_DIR = "/etc/ssl/etcd/ssl"
_DEFAULT = "kubespray's default"
_TRUE = frozenset({"true", "yes", "on", "1"})


def draft_of_inventory(inventory: Inventory, source: str) -> ClusterDraft:
    """Return the members of the group `etcd`; DamagedInput where there is none."""
    names = inventory.groups.get(GROUP, ())
    if not names:
        groups = ", ".join(sorted(inventory.groups))
        raise DamagedInput(
            f"the inventory has no hosts in a group {GROUP}",
            hint=f"Its groups: {groups}." if groups else None,
        )
    control_plane = next((g for g in _CONTROL_PLANES if inventory.groups.get(g)), None)
    reading = _Reading(inventory, source, is_kubespray=control_plane is not None)
    return ClusterDraft(
        members=tuple(reading.member(name, place) for place, name in enumerate(names, start=1)),
        clients=reading.clients(control_plane),
        ssh=reading.ssh(),
        tls=reading.tls(names[0]),
        tls_source="where kubespray keeps every member's pairs",
    )


class _Reading:
    def __init__(self, inventory: Inventory, source: str, *, is_kubespray: bool) -> None:
        self._inventory = inventory
        self._source = source
        self._is_kubespray = is_kubespray

    def _of(self, host: str) -> Mapping[str, str]:
        return self._inventory.variables.get(host, {})

    def member(self, host: str, place: int) -> MemberDraft:
        """Return the member on a host, the group's `place`th."""
        variables = self._of(host)
        told = Told(self._destination(host), self._source)
        if not self._is_kubespray:
            name = variables.get("etcd_member_name")
            return MemberDraft(
                name=Told(name, self._source)
                if name
                else Told(host, "its host's name", sure=False),
                host=told,
            )
        name = variables.get("etcd_member_name")
        address, sure = self._address(host)
        scheme = "http" if variables.get("etcd_secure_client", "").lower() == "false" else "https"
        return MemberDraft(
            name=Told(name, self._source) if name else Told(f"etcd{place}", _DEFAULT, sure=False),
            host=told,
            peer_url=Told(f"https://{address}:2380", self._source, sure),
            client_url=Told(f"{scheme}://{address}:2379", self._source, sure),
            data_dir=self._data_dir(variables),
            service=self._service(variables),
        )

    def _destination(self, host: str) -> str:
        variables = self._of(host)
        if variables.get("ansible_connection") == LOCAL:
            return LOCAL
        address = variables.get("ansible_host") or variables.get("ansible_ssh_host") or host
        user = variables.get("ansible_user") or variables.get("ansible_ssh_user") or ""
        port = variables.get("ansible_port") or variables.get("ansible_ssh_port") or ""
        shown = f"[{address}]" if ":" in address else address
        return f"{user}{'@' if user else ''}{shown}{':' if port else ''}{port}"

    def _address(self, host: str) -> tuple[str, bool]:
        variables = self._of(host)
        for name in ("access_ip", "ip", "ansible_host"):
            found = variables.get(name)
            if found and _is_address(found):
                return (f"[{found}]" if ":" in found else found), name != "ansible_host"
        return variables.get("ansible_host") or host, False

    def _data_dir(self, variables: Mapping[str, str]) -> Told:
        said = variables.get("etcd_data_dir")
        return Told(said, self._source) if said else Told(_DATA_DIR, _DEFAULT, sure=False)

    def _service(self, variables: Mapping[str, str]) -> ToldService:
        if variables.get("etcd_deployment_type") == "kubeadm":
            return ToldService("static-pod", _KUBEADM_MANIFEST, self._source)
        sure = variables.get("etcd_deployment_type") == "host"
        return ToldService("systemd", "etcd.service", self._source if sure else _DEFAULT, sure)

    def clients(self, control_plane: str | None) -> tuple[ClientDraft, ...]:
        """Return the kube-apiserver of every host of the control plane."""
        if control_plane is None:
            return ()
        hosts = tuple(self._destination(h) for h in self._inventory.groups[control_plane])
        source = f"{_DEFAULT}, on the group {control_plane}"
        return (
            ClientDraft(kind="manifest", value=_APISERVER, hosts=hosts, source=source, sure=False),
        )

    def ssh(self) -> Ssh | None:
        """Return what all hosts of the group have alike."""
        hosts = [self._of(name) for name in self._inventory.groups[GROUP]]
        keys = {variables.get("ansible_ssh_private_key_file", "") for variables in hosts}
        become = any(v.get("ansible_become", "").lower() in _TRUE for v in hosts)
        files = tuple(key for key in keys if key and len(keys) == 1)
        if not files and not become:
            return None
        return Ssh(identity_files=files, become="sudo" if become else None)

    def tls(self, first: str) -> Tls | None:
        """Return kubespray's admin pair of the first host, which all of them hold."""
        variables = self._of(first)
        if not self._is_kubespray or variables.get("etcd_deployment_type") == "kubeadm":
            return None
        folder = variables.get("etcd_cert_dir", _CERT_DIR)
        pair = join(folder, f"admin-{first}")
        return Tls(
            cacert=join(folder, "ca.pem"), cert=f"{pair}.pem", key=f"{pair}-key.pem", on="hosts"
        )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
