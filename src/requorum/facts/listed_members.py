"""The members that a live etcd lists, asked of one that need not have a leader."""

from requorum.domain.cluster_draft import ClusterDraft
from requorum.inspection.drafted_members import listed_draft
from requorum.ports.etcd import Etcd, ListedMember

_DEADLINE = 5.0


async def ask_for_members(etcd: Etcd) -> ClusterDraft:
    """Return what it lists; closes `etcd`. Unreachable or EtcdError where it does not tell."""
    try:
        status = await etcd.status(deadline=_DEADLINE)
        members = await etcd.members(deadline=_DEADLINE, linearizable=False)
    finally:
        await etcd.close()
    source = f"MemberList of {etcd.endpoint}"
    return listed_draft(
        [_row(m) for m in members], source=source, cluster_id=status.header.cluster_id
    )


def _row(member: ListedMember) -> tuple[str, tuple[str, ...], tuple[str, ...], bool]:
    return member.name, member.peer_urls, member.client_urls, member.is_learner
