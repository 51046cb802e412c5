"""Whether etcd's clients were stopped and started in order, by their own logs: pure."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from requorum.lab.hosts.stand_in_logs import StandInEvent

FIRST_STOPPED, LAST_STOPPED = "kubelet", "kube-apiserver"
"""In this order they are stopped, and in reverse they are started."""


def disorder(events: Sequence[StandInEvent], *, since: Decimal, hosts: int) -> Iterator[str]:
    """Yield what is not as it should be from `since`, seconds since the epoch, on.

    Every kubelet is stopped before any API server, and started after all of them. An API server
    that failed may be started by its own systemd before it is stopped: that is no start of ours.
    """
    later = [event for event in events if event.time >= since]
    stops = [event for event in later if event.event == "stop"]
    kubelets = [event for event in stops if event.unit == FIRST_STOPPED]
    if len(kubelets) != hosts:
        yield f"{len(kubelets)} of {hosts} kubelets were stopped"
        return
    last_kubelet = max(event.time for event in kubelets)
    for event in stops:
        if event.unit == LAST_STOPPED and event.time < last_kubelet:
            yield f"{event.unit} on {event.host} was stopped before the last kubelet"
    yield from _starts(later, after=last_kubelet, hosts=hosts)


def _starts(later: Sequence[StandInEvent], *, after: Decimal, hosts: int) -> Iterator[str]:
    """Yield what is wrong with the last starts: those of the recovery."""
    starts = [e for e in later if e.event == "start" and e.time > after]
    kubelets = [e for e in starts if e.unit == FIRST_STOPPED]
    servers = {e.host: e.time for e in starts if e.unit == LAST_STOPPED}
    if len(kubelets) != hosts or len(servers) != hosts:
        yield f"{len(servers)} API servers and {len(kubelets)} kubelets of {hosts} were started"
        return
    for event in kubelets:
        if event.time < max(servers.values()):
            yield f"{event.unit} on {event.host} was started before the last API server"
