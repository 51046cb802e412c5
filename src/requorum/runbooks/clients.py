"""etcd's own clients around a procedure: stopped first, in their order; started last, in reverse.

A client that runs meanwhile writes to members that are about to be replaced, or, as kubelet does
with static pods, starts them again.
"""

from collections.abc import Mapping, Sequence

from requorum.domain.cluster import ClientService
from requorum.runbooks.steps.client import StartClient, StopClient
from requorum.runbooks.steps.world import World
from requorum.workflow.step import Step

Running = Mapping[tuple[str, str], bool]
"""(client, host) -> whether it runs there. Hosts that do not answer are not in it."""


def stop_client_steps(clients: Sequence[ClientService], running: Running) -> list[Step[World]]:
    """Return the steps that stop what runs of them: one client on all hosts at once."""
    return [
        StopClient(
            host=host,
            title=f"stop {client.name} on {host}",
            reason="it writes to etcd, or starts it again, while its data is exchanged",
            together=f"stop {client.name}",
            client=client.name,
        )
        for client in clients
        for host in client.hosts
        if running.get((client.name, host))
    ]


def start_client_steps(clients: Sequence[ClientService], running: Running) -> list[Step[World]]:
    """Return the steps that start all of them on the hosts that answer, the last stopped first."""
    return [
        StartClient(
            host=host,
            title=f"start {client.name} on {host}",
            reason="the cluster serves; from here on clients write, and there is no way back",
            together=f"start {client.name}",
            client=client.name,
        )
        for client in reversed(clients)
        for host in client.hosts
        if (client.name, host) in running
    ]
