"""A put and a get through each member: the proof that clients can work again."""

from collections.abc import Mapping
from typing import Literal

from pydantic import JsonValue

from requorum.errors import EtcdError, StepFailed
from requorum.facts.live import AUTH_REFUSALS
from requorum.ports.etcd import DeleteOp, Etcd, PutOp
from requorum.runbooks.steps.world import World
from requorum.workflow.step import Step

PROBE_DEADLINE = 30.0
PROBE_PREFIX = "requorum/probe/"


class ProbeWrites(Step[World]):
    """Put a key through each member, read it through the next one, delete it at the end."""

    kind: Literal["probe-writes"] = "probe-writes"
    members: tuple[str, ...]

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Do it; StepFailed where a member answers with another value than was just written."""
        key = f"{PROBE_PREFIX}{world.run}".encode()
        clients = {name: world.reach.etcd(world.spec(name)) for name in self.members}
        try:
            for writer, reader in zip(self.members, _shifted(self.members), strict=True):
                await _probe(key, writer, clients[writer], reader, clients[reader])
            await clients[self.members[0]].delete(DeleteOp(key), deadline=PROBE_DEADLINE)
        except EtcdError as error:
            if not any(words in error.message for words in AUTH_REFUSALS):
                raise
            return {"probe": f"not tried, for want of a user who may write: {error.message}"}
        finally:
            for client in clients.values():
                await client.close()
        return {"put and read through": ", ".join(self.members)}

    async def undo(self, world: World) -> Mapping[str, JsonValue]:  # noqa: ARG002  # the contract
        """Do nothing: what was written goes with the data that is set back."""
        return {}


def _shifted(members: tuple[str, ...]) -> tuple[str, ...]:
    return (*members[1:], members[0])


async def _probe(key: bytes, writer: str, through: Etcd, reader: str, beside: Etcd) -> None:
    await through.put(PutOp(key, writer.encode()), deadline=PROBE_DEADLINE)
    found = await beside.get(key, deadline=PROBE_DEADLINE)
    values = [kv.value for kv in found.kvs]
    if values != [writer.encode()]:
        raise StepFailed(
            f"what was put through {writer} is not what {reader} returns: {values}",
            hint="The members do not form one cluster. Look at the peer URLs and cluster IDs.",
        )
