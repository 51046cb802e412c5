"""What a member's own settings, and the list of all members, tell of a cluster."""

from collections.abc import Iterator, Sequence
from posixpath import basename, dirname, join
from urllib.parse import urlsplit

from requorum.domain.cluster import LOCAL, Tls
from requorum.domain.cluster_draft import ClusterDraft, MemberDraft, ServiceKind, Told, ToldService
from requorum.domain.member_settings import MemberSettings, TlsFiles

_Row = tuple[str, Sequence[str], Sequence[str], bool]
KUBEADM_CLIENT = ("healthcheck-client.crt", "healthcheck-client.key")
"""The client pair that kubeadm makes beside etcd's CA, for etcd's probes."""


def draft_of_settings(
    settings: MemberSettings, *, kind: ServiceKind, service: str, host: str | None, source: str
) -> ClusterDraft:
    """Return the member that runs with these settings, and the others of its initial-cluster."""

    def told(flag: str, value: str) -> Told:
        place = settings.place(flag)
        return Told(value, f"{place} of {source}" if place else f"etcd's default, {source}")

    client = _first_reachable(settings.advertise_client_urls)
    peer = settings.advertise_peer_urls[0]
    own = MemberDraft(
        name=told("name", settings.name),
        host=None if host is None else Told(host, "where it was looked for"),
        peer_url=told("initial-advertise-peer-urls", peer),
        client_url=told("advertise-client-urls", client),
        data_dir=told("data-dir", settings.data_dir),
        wal_dir=told("wal-dir", settings.wal_dir) if settings.wal_dir else None,
        service=ToldService(kind, service, source),
    )
    others = tuple(
        MemberDraft(name=Told(name, where), peer_url=Told(url, where))
        for where in (f"initial-cluster of {source}",)
        for name, url in initial_members(settings.initial_cluster)
        if name != settings.name
    )
    return ClusterDraft(members=(own, *others))


def initial_members(initial_cluster: str) -> Iterator[tuple[str, str]]:
    """Yield each member of an initial-cluster with its first peer URL.

    >>> list(initial_members("m1=http://a:2380,m2=http://b:2380,m2=http://c:2380"))
    [('m1', 'http://a:2380'), ('m2', 'http://b:2380')]
    """
    seen: set[str] = set()
    for part in initial_cluster.split(","):
        name, equals, url = part.strip().partition("=")
        if equals and name and _is_url(url) and name not in seen:
            seen.add(name)
            yield name, url


def _is_url(text: str) -> bool:
    try:
        url = urlsplit(text)
    except ValueError:
        return False
    return url.scheme in {"http", "https"} and bool(url.hostname)


def listed_draft(rows: Sequence[_Row], *, source: str, cluster_id: int) -> ClusterDraft:
    """Return the voters of a MemberList: name, peer URLs, client URLs and whether it is a learner.

    A member that was added and never started has no name and no client URL.
    """
    voters = tuple(
        MemberDraft(
            name=Told(name, source) if name else None,
            peer_url=Told(peers[0], source) if peers else None,
            client_url=Told(_first_reachable(clients), source) if clients else None,
            note="" if name else "it was added and has never started",
        )
        for name, peers, clients, is_learner in sorted(rows, key=_by_name)
        if not is_learner
    )
    learners = [name or (peers[0] if peers else "?") for name, peers, _, learner in rows if learner]
    return ClusterDraft(
        members=voters,
        whole=True,
        cluster_id=Told(f"{cluster_id:x}", source),
        notes=tuple(f"left out, it is a learner and has no vote: {name}" for name in learners),
    )


def _by_name(row: _Row) -> tuple[bool, int, str]:
    """Order as people count: etcd2 before etcd10, who has no name last."""
    return not row[0], len(row[0]), row[0]


def _first_reachable(urls: Sequence[str]) -> str:
    """Return the first URL that means the same on every host, else the first."""
    loopback = (LOCAL, "localhost", "127.", "::1", "0.0.0.0")  # noqa: S104  # told, not bound
    far = [url for url in urls if not (urlsplit(url).hostname or "").startswith(loopback)]
    return far[0] if far else urls[0]


def client_certificates(tls: TlsFiles) -> Iterator[Tls]:
    """Yield where the client certificates of a member's host may lie, the best guess first.

    kubeadm's pair lies beside the CA, kubespray's admin pair beside the member's; at last the
    member's own, which serves as a client's where it was issued for that, too.
    """
    if tls.trusted_ca is None or tls.cert is None or tls.key is None:
        return
    cert, key = (join(dirname(tls.trusted_ca), name) for name in KUBEADM_CLIENT)
    yield Tls(cacert=tls.trusted_ca, cert=cert, key=key, on="hosts")
    if basename(tls.cert).startswith("member-"):
        admin = [
            join(dirname(path), basename(path).replace("member-", "admin-", 1))
            for path in (tls.cert, tls.key)
        ]
        yield Tls(cacert=tls.trusted_ca, cert=admin[0], key=admin[1], on="hosts")
    yield Tls(cacert=tls.trusted_ca, cert=tls.cert, key=tls.key, on="hosts")
