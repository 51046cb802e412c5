"""What several sources tell of one cluster, made into one description.

Sources come in the order of trust. A value that one is sure of goes before one that was concluded,
else the earlier source counts; where two that are sure differ, a note says so.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urlsplit

from requorum.domain.cluster import LOCAL
from requorum.domain.cluster_draft import (
    SCALARS,
    ClientDraft,
    ClusterDraft,
    MemberDraft,
    Told,
    ToldService,
)

_T = TypeVar("_T", Told, ToldService)
_FIELDS = (*SCALARS, "service")
_LOOPBACK = ("localhost", "127.", "::1")


def merged(drafts: Sequence[ClusterDraft]) -> ClusterDraft:
    """Return one description of all. Members are the same by peer URL, else by name."""
    groups: list[list[MemberDraft]] = []
    for draft in drafts:
        # Two of one source are two, however alike they are told.
        free = list(groups)
        for member in draft.members:
            group = next((g for g in free if any(_same(member, m) for m in g)), None)
            if group is None:
                groups.append([member])
            else:
                group.append(member)
                free = [g for g in free if g is not group]
    whole = next((draft for draft in drafts if draft.whole), None)
    strangers = [g for g in groups if whole is not None and not _any_in(g, whole.members)]
    notes = [note for draft in drafts for note in draft.notes]
    notes += [f"left out, the cluster does not list it: {g[0].called}" for g in strangers]
    kept = [g for g in groups if g not in strangers]
    for group in kept:
        notes += _differences(group)
    first_tls = next((draft for draft in drafts if draft.tls is not None), None)
    return ClusterDraft(
        members=tuple(_one(group) for group in kept),
        whole=whole is not None,
        cluster_id=next((d.cluster_id for d in drafts if d.cluster_id is not None), None),
        clients=_together([client for draft in drafts for client in draft.clients]),
        ssh=next((d.ssh for d in drafts if d.ssh is not None), None),
        tls=first_tls.tls if first_tls else None,
        tls_source=first_tls.tls_source if first_tls else "",
        user=next((d.user for d in drafts if d.user is not None), None),
        notes=tuple(dict.fromkeys(notes)),
    )


def _same(one: MemberDraft, other: MemberDraft) -> bool:
    """Return whether two tell of one member. A name alone says it where an address is missing."""
    if one.peer_url is not None and other.peer_url is not None:
        return one.peer_url.value == other.peer_url.value or _same_name(one, other)
    return _same_name(one, other)


def _same_name(one: MemberDraft, other: MemberDraft) -> bool:
    return one.name is not None and other.name is not None and one.name.value == other.name.value


def _any_in(group: Sequence[MemberDraft], members: Sequence[MemberDraft]) -> bool:
    return any(member in members for member in group)


def _one(group: Sequence[MemberDraft]) -> MemberDraft:
    notes = dict.fromkeys(member.note for member in group if member.note)
    return MemberDraft(
        name=_chosen(member.name for member in group),
        host=_chosen(member.host for member in group),
        peer_url=_chosen(member.peer_url for member in group),
        client_url=_chosen(member.client_url for member in group),
        data_dir=_chosen(member.data_dir for member in group),
        wal_dir=_chosen(member.wal_dir for member in group),
        service=_chosen(member.service for member in group),
        note="; ".join(notes),
    )


def _chosen(values: Iterable[_T | None]) -> _T | None:
    told = [value for value in values if value is not None]
    return next((value for value in told if value.sure), told[0] if told else None)


def _differences(group: Sequence[MemberDraft]) -> Iterator[str]:
    one = _one(group)
    for field in _FIELDS:
        taken = getattr(one, field)
        for member in group:
            other = getattr(member, field)
            if other is not None and other.sure and other.value != taken.value:
                yield (
                    f"{one.called}: {field} is {taken.value} ({taken.source}), "
                    f"but {other.value} ({other.source})"
                )


def _together(clients: Sequence[ClientDraft]) -> tuple[ClientDraft, ...]:
    """Return each client once, with all hosts that have it."""
    found: dict[tuple[str, str], ClientDraft] = {}
    for client in clients:
        known = found.get((client.kind, client.value), client)
        hosts = tuple(dict.fromkeys((*known.hosts, *client.hosts)))
        found[client.kind, client.value] = replace(known, hosts=hosts)
    return tuple(found.values())


def concluded(draft: ClusterDraft) -> ClusterDraft:
    """Fill in what the other fields, or the other members, leave little doubt of; as not sure."""
    draft = replace(draft, members=tuple(_with_host(m, draft.members) for m in draft.members))
    return replace(draft, members=tuple(_as_others(m, draft.members) for m in draft.members))


def _with_host(member: MemberDraft, members: Sequence[MemberDraft]) -> MemberDraft:
    if member.host is not None or member.peer_url is None:
        return member
    address = urlsplit(member.peer_url.value).hostname or ""
    host = destination_like([m.host.value for m in members if m.host], address)
    told = Told(host, "the address of its peer URL", sure=False)
    return replace(member, host=told)


def destination_like(known: Sequence[str], address: str) -> str:
    """Return the ssh destination of an address, with the user and port that all known ones have.

    >>> destination_like(["root@10.0.0.31:2222"], "10.0.0.32")
    'root@10.0.0.32:2222'
    """
    if address.startswith(_LOOPBACK):
        return LOCAL
    parts = {_around(host) for host in known if host != LOCAL}
    user, port = parts.pop() if len(parts) == 1 else ("", "")
    return f"{user}{f'[{address}]' if ':' in address else address}{port}"


def _around(destination: str) -> tuple[str, str]:
    user, at, rest = destination.rpartition("@")
    colon = rest.rpartition("]")[2].rpartition(":")
    return user + at, f":{colon[2]}" if colon[1] else ""


def _as_others(member: MemberDraft, members: Sequence[MemberDraft]) -> MemberDraft:
    """Take over what all others share; never where it would make two members of one host one."""
    others = [other for other in members if other is not member]
    if any(_value(other.host) == _value(member.host) for other in others):
        return member
    found: dict[str, Told | ToldService] = {}
    for field in ("data_dir", "wal_dir"):
        values = {_value(getattr(other, field)) for other in others if _known(other)}
        if member.data_dir is None and len(values) == 1 and (value := values.pop()) is not None:
            found[field] = Told(value, "as the other members have it", sure=False)
    services = {(s.kind, s.value) for s in (other.service for other in others) if s}
    if member.service is None and len(services) == 1:
        kind, value = services.pop()
        found["service"] = ToldService(kind, value, "as the other members have it", sure=False)
    client = _client_url(member, others)
    if member.client_url is None and client is not None:
        found["client_url"] = Told(client, "its peer address, as the others' URLs are", sure=False)
    return replace(member, **found)  # type: ignore[arg-type]  # each has its field's type


def _known(member: MemberDraft) -> bool:
    return member.data_dir is not None


def _value(told: Told | None) -> str | None:
    return told.value if told else None


def _client_url(member: MemberDraft, others: Sequence[MemberDraft]) -> str | None:
    """Return scheme and port of the others, at the peer address, where theirs are at theirs."""
    forms = set()
    for other in others:
        if other.client_url is None or other.peer_url is None:
            continue
        client, peer = urlsplit(other.client_url.value), urlsplit(other.peer_url.value)
        forms.add((client.scheme, client.port) if client.hostname == peer.hostname else None)
    form = forms.pop() if len(forms) == 1 else None
    if form is None or member.peer_url is None:
        return None
    host = urlsplit(member.peer_url.value).hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return f"{form[0]}://{shown}:{form[1]}"
