"""Which directories belong to this cluster, so that another one's never wins by accident.

Every WAL names its cluster. When all agree there is nothing to decide. When they do not, the
cluster file's pinned `cluster_id` decides; else the one whose members have the addresses that the
cluster file names; else the one with a quorum of directories. Otherwise we refuse and say what
was found: a wrong guess here would throw the right data away.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

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


def without_strangers(members: Mapping[str, MemberEvidence]) -> dict[str, MemberEvidence]:
    """Mark the databases that another cluster, or this one before it was restored, has left.

    A restore gives every member a new ID. So a database none of whose members the logs know is a
    stranger among them, if another database here does list members that they know: 3.4 itself
    leaves old members behind when it restores, and then no database lists the right ones.
    """
    ids = _ids_known_to_logs(members)
    lists = {name: _ids_listed(member) for name, member in members.items()}
    if not ids or not any(listed & ids for listed in lists.values()):
        return dict(members)
    return {
        name: _marked(member) if lists[name] and not lists[name] & ids else member
        for name, member in members.items()
    }


def _ids_known_to_logs(members: Mapping[str, MemberEvidence]) -> set[int]:
    ids: set[int] = set()
    for member in members.values():
        if member.log is None or member.log.metadata is None:
            continue
        ids.add(member.log.metadata.node_id)
        known = membership_of(member.snaps, member.log.entries)
        ids |= set(known.members) if known is not None else set()
    return ids


def _ids_listed(member: MemberEvidence) -> set[int]:
    state = member.database.state if member.database else None
    return {m.id for m in state.members} if state is not None else set()


def _marked(member: MemberEvidence) -> MemberEvidence:
    if member.database is None:
        return member
    why = "its database lists none of this cluster's members: it is another's, or from before"
    return replace(member, database=replace(member.database, stranger=why))


def refuse_unidentified(members: Mapping[str, MemberEvidence], last_index: int) -> None:
    """Refuse where a database beyond every log lists no member that any log knows.

    Taking it would discredit all logs on the word of a file that says nowhere whose it is.
    """
    ids = _ids_known_to_logs(members)
    for name, member in members.items():
        database = member.database
        if not ids or database is None or database.problems or database.index <= last_index:
            continue
        if not _ids_listed(member) & ids:
            raise Refused(
                f"the database of {name} stands at index {database.index}, behind the end of "
                f"every log ({last_index}), and lists no member that a log knows",
                hint="If it is older or another cluster's, move it away and run this again. If it "
                "is the one to go back to, copy it and use `requorum restore FILE`.",
            )


def refuse_swapped(members: Mapping[str, MemberEvidence], peer_urls: Mapping[str, str]) -> None:
    """Refuse where two members' data lies in each other's place; a mere copy is another matter."""
    owners = {name: _owner_of(member, peer_urls) for name, member in members.items()}
    for name, owner in owners.items():
        if owner not in (None, name) and owners.get(str(owner)) not in (None, owner):
            raise Refused(
                f"the data directory of {name} holds the data of {owner}, and that of {owner} "
                f"another member's",
                hint="Compare each member's data_dir in the cluster file with its etcd's flags.",
            )


def _owner_of(member: MemberEvidence, peer_urls: Mapping[str, str]) -> str | None:
    """Return the member of the cluster file whose peer URL this data's member has."""
    if member.log is None or member.member_id is None:
        return None
    known = membership_of(member.snaps, member.log.entries)
    own = known.members.get(member.member_id) if known is not None else None
    urls = {url.rstrip("/") for url in own.peer_urls} if own is not None else set()
    return next((name for name, url in peer_urls.items() if url in urls), None)


def _described(names: list[str], members: Mapping[str, MemberEvidence]) -> str:
    parts = []
    for name in names:
        log, database = members[name].log, members[name].database
        last = f"index {log.last_index}" if log else "no log"
        revision = f", revision {database.revision}" if database else ""
        parts.append(f"{name} ({last}{revision})")
    return ", ".join(parts)
