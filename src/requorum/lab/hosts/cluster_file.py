"""The cluster file of a lab of hosts: what every command of requorum needs to reach them."""

import os
from collections.abc import Mapping

import yaml

from requorum.lab.hosts.description import HostLab, LabHost

_STOPPED_FIRST = ("kubelet", "kube-apiserver")


def cluster_file(lab: HostLab) -> Mapping[str, object]:
    """Return the content of `requorum.yaml`."""
    first = lab.hosts[0]
    clients = [{"unit": unit, "hosts": "all"} for unit in _STOPPED_FIRST]
    return {
        "cluster": "hosts",
        "members": [_member(host) for host in lab.hosts],
        **({"clients": clients} if lab.wanted.stand_ins else {}),
        "tls": {
            "cacert": str(lab.client.cacert),
            "cert": str(lab.client.cert),
            "key": str(lab.client.key),
        },
        "ssh": {
            "identity_files": [str(first.key_file)],
            "known_hosts": str(first.known_hosts),
        },
    }


def _member(host: LabHost) -> Mapping[str, object]:
    return {
        "name": host.member,
        "host": f"root@{host.address}:{host.ssh_port}",
        "peer_url": host.peer_url,
        "client_url": host.client_url,
        "data_dir": host.data_dir,
        "service": {"kind": "systemd", "unit": host.unit},
    }


def write_cluster_file(lab: HostLab) -> None:
    """Write it into the lab's directory; it appears whole or not at all."""
    described = yaml.safe_dump(cluster_file(lab), sort_keys=False, width=1000)
    aside = lab.cluster_file.with_name(f".{lab.cluster_file.name}.{os.getpid()}")
    aside.write_text(
        f"# {len(lab.hosts)} hosts with etcd {lab.etcd_version}.\n{described}", encoding="utf-8"
    )
    aside.rename(lab.cluster_file)
