"""The hosts' network: a switch in a namespace of its own, and one cable from it to this machine.

In a namespace of its own, no firewall of this machine stands between the hosts; in this machine's
namespace there is one link, and the hosts are reached through it as any other host would be.
"""

import json
import time

from requorum.errors import DeadlineExceeded
from requorum.lab.hosts.description import HostLab
from requorum.lab.hosts.system import call

_BRIDGE = "switch"
_OUTSIDE = "outside"
_GONE_SECONDS = 10.0
_POLL_SECONDS = 0.02


def make_network(lab: HostLab) -> None:
    """Make switch, cables and namespaces; what an earlier, unfinished attempt left is replaced."""
    remove_network(lab)
    call("ip", "netns", "add", lab.switch)
    _in(lab.switch, "link", "add", "name", _BRIDGE, "type", "bridge")
    _in(lab.switch, "link", "set", _BRIDGE, "up")
    call("ip", "link", "add", lab.cable, "type", "veth", "peer", _OUTSIDE, "netns", lab.switch)
    call("ip", "address", "add", f"{lab.gateway}/24", "dev", lab.cable)
    call("ip", "link", "set", lab.cable, "up")
    _in(lab.switch, "link", "set", _OUTSIDE, "master", _BRIDGE, "up")
    for name in lab.names:
        _connect(lab, name)


def _connect(lab: HostLab, name: str) -> None:
    namespace, address = lab.machine(name), lab.host(name).address
    call("ip", "netns", "add", namespace)
    _in(lab.switch, "link", "add", name, "type", "veth", "peer", "eth0", "netns", namespace)
    _in(lab.switch, "link", "set", name, "master", _BRIDGE, "up")
    _in(namespace, "address", "add", f"{address}/24", "dev", "eth0")
    _in(namespace, "link", "set", "eth0", "up")
    _in(namespace, "link", "set", "lo", "up")


def _in(namespace: str, *words: str) -> str:
    return call("ip", "-netns", namespace, *words)


def remove_network(lab: HostLab) -> None:
    """Remove all of it, and wait until it is gone; no error where there is none."""
    if lab.cable in _links():
        call("ip", "link", "delete", lab.cable)
    ours = {lab.switch, *(lab.machine(name) for name in lab.names)}
    for namespace in sorted(ours & _namespaces()):
        call("ip", "netns", "delete", namespace)
    _wait_gone(lab)


def _wait_gone(lab: HostLab) -> None:
    """Wait: the kernel takes namespaces apart after the command has ended."""
    give_up = time.monotonic() + _GONE_SECONDS
    while lab.cable in _links():
        if time.monotonic() > give_up:
            raise DeadlineExceeded(f"link {lab.cable} stayed for {_GONE_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)


def _links() -> frozenset[str]:
    return frozenset(link["ifname"] for link in json.loads(call("ip", "-json", "link") or "[]"))


def _namespaces() -> frozenset[str]:
    listed = json.loads(call("ip", "-json", "netns") or "[]")
    return frozenset(namespace["name"] for namespace in listed)


def switch_off(lab: HostLab, name: str) -> None:
    """Let the host's network card die as it does without power: no connection is said goodbye."""
    _in(lab.machine(name), "link", "set", "eth0", "down")


def switch_on(lab: HostLab, name: str) -> None:
    """Give its network card power; nothing to do when it has it."""
    _in(lab.machine(name), "link", "set", "eth0", "up")


def unplug(lab: HostLab, name: str) -> None:
    """Pull the host's cable: nothing reaches it, and nobody is told so."""
    _in(lab.switch, "link", "set", lab.host(name).name, "down")


def plug(lab: HostLab, name: str) -> None:
    """Put the cable back."""
    _in(lab.switch, "link", "set", lab.host(name).name, "up")


def plugged(lab: HostLab, name: str) -> bool:
    """Return whether the host's cable is in."""
    shown = json.loads(_in(lab.switch, "-json", "link", "show", lab.host(name).name))
    return "UP" in shown[0]["flags"]
