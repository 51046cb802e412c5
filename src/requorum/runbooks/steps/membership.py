"""The membership of a cluster that serves: one member out, one in, as a learner first."""

from collections.abc import Mapping
from typing import Literal

from pydantic import JsonValue

from requorum.domain.ids import MemberId, hex_id
from requorum.ports.etcd import Alarm, Etcd, ListedMember
from requorum.runbooks.steps.reconfigure import CALL_DEADLINE, Rows, reconfigure, serving
from requorum.runbooks.steps.world import World
from requorum.workflow.step import Step


class RemoveMember(Step[World]):
    """Remove a member's ID. It never comes back, so nor does the data that belongs to it."""

    kind: Literal["remove-member"] = "remove-member"
    member: str
    id: str
    point_of_no_return: bool = True

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Remove it, unless the list has it no more."""
        old = MemberId(int(self.id, 16))

        def gone(rows: Rows) -> bool | None:
            return None if any(row.id == old for row in rows) else True

        async def remove(etcd: Etcd, _rows: Rows) -> None:
            await etcd.remove_member(old, deadline=CALL_DEADLINE)

        await reconfigure(world, apart_from=self.member, seen=gone, act=remove)
        return {"removed": self.id}

    async def undo(self, world: World) -> Mapping[str, JsonValue]:  # noqa: ARG002  # the contract
        """Do nothing: only a run that never began it gets here."""
        return {}


class AddLearner(Step[World]):
    """Add a member that does not vote yet, at its peer URL."""

    kind: Literal["add-learner"] = "add-learner"
    member: str
    peer_url: str
    point_of_no_return: bool = True

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Add it, unless the list has somebody at that URL."""

        async def add(etcd: Etcd, _rows: Rows) -> None:
            await etcd.add_member([self.peer_url], learner=True, deadline=CALL_DEADLINE)

        row = await reconfigure(
            world, apart_from=self.member, seen=lambda rows: _at(rows, self.peer_url), act=add
        )
        return {"member_id": hex_id(row.id)}

    async def undo(self, world: World) -> Mapping[str, JsonValue]:  # noqa: ARG002  # the contract
        """Do nothing: only a run that never began it gets here."""
        return {}


class PromoteMember(Step[World]):
    """Give a learner its vote. etcd refuses while it lags, and is asked again."""

    kind: Literal["promote-member"] = "promote-member"
    member: str
    peer_url: str

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Promote it, unless it votes."""

        def votes(rows: Rows) -> ListedMember | None:
            row = _at(rows, self.peer_url)
            return None if row is None or row.is_learner else row

        async def promote(etcd: Etcd, rows: Rows) -> None:
            row = _at(rows, self.peer_url)
            if row is not None:
                await etcd.promote_member(row.id, deadline=CALL_DEADLINE)

        row = await reconfigure(world, apart_from=self.member, seen=votes, act=promote)
        return {"member_id": hex_id(row.id)}

    async def undo(self, world: World) -> Mapping[str, JsonValue]:  # noqa: ARG002  # the contract
        """Do nothing: a run that was here has passed its point of no return."""
        return {}


class DisarmCorrupt(Step[World]):
    """Take back the alarm that names a removed member: it would keep the others from writing."""

    kind: Literal["disarm-corrupt"] = "disarm-corrupt"
    member: str
    id: str

    async def apply(self, world: World) -> Mapping[str, JsonValue]:
        """Take it back; no error where it is not raised."""
        async with serving(world, self.member) as etcd:
            await etcd.disarm(Alarm(MemberId(int(self.id, 16)), "CORRUPT"), deadline=CALL_DEADLINE)
        return {}

    async def undo(self, world: World) -> Mapping[str, JsonValue]:  # noqa: ARG002  # the contract
        """Do nothing: the member that it named is gone by then."""
        return {}


def _at(rows: Rows, peer_url: str) -> ListedMember | None:
    return next((row for row in rows if peer_url in row.peer_urls), None)
