"""Which directories belong to this cluster, so that another one's never wins by accident.

Every WAL names its cluster. When all agree there is nothing to decide. When they do not, the
cluster file's pinned `cluster_id` decides; else the one whose members have the addresses that the
cluster file names; else the one with a quorum of directories. Otherwise we refuse and say what
was found: a wrong guess here would throw the right data away.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from requorum.domain.ids import ClusterId, hex_id
from requorum.domain.quorum import quorum_size
from requorum.errors import Refused
from requorum.inspection.evidence import MemberEvidence
from requorum.inspection.membership import membership_of


@dataclass(frozen=True, slots=True)
class Identity:
    """The cluster's ID, None when no WAL names one; `foreign` says of whom else the others are."""

    cluster_id: ClusterId | None
    foreign: Mapping[str, str]


def identify(
    members: Mapping[str, MemberEvidence],
    *,
    pinned: ClusterId | None,
    peer_urls: Mapping[str, str],
) -> Identity:
    """Return which cluster this is; Refused when the evidence does not say.

    `peer_urls` are the cluster file's, by member name.
    """
    groups = _groups(members)
    chosen = _choose(groups, members, pinned, peer_urls)
    foreign = {
        name: f"its data belongs to another cluster, {hex_id(cluster_id)}"
        for cluster_id, names in groups.items()
        if cluster_id != chosen
        for name in names
    }
    foreign |= _databases_of_others(members, foreign, peer_urls)
    return Identity(chosen, foreign)


def _groups(members: Mapping[str, MemberEvidence]) -> dict[ClusterId, list[str]]:
    groups: dict[ClusterId, list[str]] = {}
    for name, member in members.items():
        if member.cluster_id is not None:
            groups.setdefault(member.cluster_id, []).append(name)
    return groups


def _choose(
    groups: Mapping[ClusterId, list[str]],
    members: Mapping[str, MemberEvidence],
    pinned: ClusterId | None,
    peer_urls: Mapping[str, str],
) -> ClusterId | None:
    if pinned is not None:
        return pinned
    if len(groups) <= 1:
        return next(iter(groups), None)
    fitting = [i for i, names in groups.items() if _fits(names, members, peer_urls)]
    if len(fitting) == 1:
        return fitting[0]
    quorum = quorum_size(len(members))
    majority = [i for i in (fitting or groups) if len(groups[i]) >= quorum]
    if len(majority) == 1:
        return majority[0]
    found = "; ".join(
        f"{hex_id(cluster_id)} at {_described(names, members)}"
        for cluster_id, names in groups.items()
    )
    raise Refused(
        f"the data directories belong to different clusters, nothing says which is ours: {found}",
        hint="Say which one with --cluster-id ID, or write `cluster_id` into the cluster file.",
    )


def _fits(
    names: list[str], members: Mapping[str, MemberEvidence], peer_urls: Mapping[str, str]
) -> bool:
    """Return whether the members that this data knows have the addresses of the cluster file.

    Unknown membership fits: it is no evidence against.
    """
    known = [_urls_known_to(members[name]) for name in names]
    known = [urls for urls in known if urls]
    expected = set(peer_urls.values())
    return not known or any(len(urls & expected) >= quorum_size(len(expected)) for urls in known)


def _urls_known_to(member: MemberEvidence) -> set[str]:
    if member.log is None:
        return set()
    membership = membership_of(member.snaps, member.log.entries)
    if membership is None:
        return set()
    return {url.rstrip("/") for m in membership.members.values() for url in m.peer_urls}


def _databases_of_others(
    members: Mapping[str, MemberEvidence],
    foreign: Mapping[str, str],
    peer_urls: Mapping[str, str],
) -> dict[str, str]:
    """Name the databases without a WAL whose own list of members knows none of our addresses."""
    ours = set(peer_urls.values())
    found: dict[str, str] = {}
    for name, member in members.items():
        state = member.database.state if member.database else None
        if name in foreign or member.cluster_id is not None or state is None:
            continue
        urls = {u.rstrip("/") for m in state.members for u in m.peer_urls}
        if urls and not urls & ours:
            found[name] = f"its database lists other members: {', '.join(sorted(urls))}"
    return found


def _described(names: list[str], members: Mapping[str, MemberEvidence]) -> str:
    parts = []
    for name in names:
        log, database = members[name].log, members[name].database
        last = f"index {log.last_index}" if log else "no log"
        revision = f", revision {database.revision}" if database else ""
        parts.append(f"{name} ({last}{revision})")
    return ", ".join(parts)
