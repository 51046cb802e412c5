"""The stand-ins for kubelet and kube-apiserver: they write through etcd, and log their order."""

import time

import pytest
from over_ssh import ssh
from test_faults import keys_in, wait_for

from requorum.lab.hosts.description import HostLab
from requorum.lab.hosts.stand_in_logs import StandInEvent, acknowledged, events

pytestmark = [pytest.mark.hosts, pytest.mark.etcd]


def of(lab: HostLab, unit: str, event: str, since: float) -> list[StandInEvent]:
    """Return the events of one kind since a time."""
    return [e for e in events(lab) if (e.unit, e.event) == (unit, event) and e.time >= since]


def test_they_write_through_the_local_member(host_lab: HostLab) -> None:
    """Both units of every host write, and what they log as acknowledged is in etcd."""
    units = ("kubelet", "kube-apiserver")

    def all_write() -> bool:
        return all(
            any(key.startswith(f"/registry/standin/{name}/{unit}/".encode()) for key in promised)
            for promised in [acknowledged(host_lab)]
            for name in host_lab.names
            for unit in units
        )

    wait_for(all_write, "a write of each stand-in")
    promised = acknowledged(host_lab)
    assert promised <= keys_in(host_lab)


def test_the_order_of_stop_and_start_is_in_their_logs(host_lab: HostLab) -> None:
    """Stopped and started one after another, over three hosts, the logs say the same order."""
    began = time.time()
    for verb in ("stop", "start"):
        units = ("kubelet", "kube-apiserver") if verb == "stop" else ("kube-apiserver", "kubelet")
        for unit in units:
            for name in host_lab.names:
                ssh(host_lab, name, "systemctl", verb, unit)
                wait_for(
                    lambda unit=unit, verb=verb, name=name: any(
                        e.host == name for e in of(host_lab, unit, verb, began)
                    ),
                    f"{verb} of {unit} in the log of {name}",
                )
    logged = [(e.event, e.unit, e.host) for e in events(host_lab) if e.time >= began]
    assert logged == [
        *(("stop", "kubelet", name) for name in host_lab.names),
        *(("stop", "kube-apiserver", name) for name in host_lab.names),
        *(("start", "kube-apiserver", name) for name in host_lab.names),
        *(("start", "kubelet", name) for name in host_lab.names),
    ]
    uptimes = [e.uptime for e in events(host_lab) if e.time >= began]
    assert uptimes == sorted(uptimes)


def test_the_api_server_fails_without_etcd_and_comes_back(host_lab: HostLab) -> None:
    """With its member stopped it gives up, is restarted by systemd, and serves once etcd does."""
    name, began = host_lab.names[0], time.time()
    ssh(host_lab, name, "systemctl", "stop", "etcd")
    wait_for(lambda: bool(of(host_lab, "kube-apiserver", "fail", began)), "the failure")
    assert not of(host_lab, "kubelet", "fail", began)
    before = acknowledged(host_lab)
    ssh(host_lab, name, "systemctl", "start", "etcd")
    mine = f"/registry/standin/{name}/kube-apiserver/".encode()
    wait_for(
        lambda: any(key.startswith(mine) for key in acknowledged(host_lab) - before),
        "a write after the start",
    )
    assert of(host_lab, "kube-apiserver", "start", began)
