"""The text of a cluster file, with where each value comes from; what is not known is a comment."""

import re
from collections.abc import Iterator, Sequence

import yaml

from requorum.domain.cluster import Ssh, Tls
from requorum.domain.cluster_draft import (
    ClientDraft,
    ClusterDraft,
    MemberDraft,
    Told,
    ToldService,
)

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./@-]*(?::[A-Za-z0-9/][A-Za-z0-9_./@:-]*)?")
_TRUTH = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_FILL_IN = {
    "name": ("NAME", "its --name"),
    "host": ("USER@ADDRESS", "where to reach it by ssh, or `local` for this machine"),
    "peer_url": ("https://ADDRESS:2380", "its --initial-advertise-peer-urls"),
    "client_url": ("https://ADDRESS:2379", "where it answers clients"),
    "data_dir": ("/var/lib/etcd", "its --data-dir"),
    "wal_dir": ("/var/lib/etcd-wal", "its --wal-dir, only if it has one"),
    "service": ("{kind: systemd, unit: etcd}", "or {kind: static-pod, manifest: PATH}"),
}
_CHECK = "to be checked: "


def cluster_file_text(name: str, draft: ClusterDraft) -> str:
    """Return the file; where the draft is complete it loads as the cluster that the draft tells."""
    return "".join(f"{line}\n" for line in _lines(name, draft))


def _lines(name: str, draft: ClusterDraft) -> Iterator[str]:
    yield "# Found by `requorum inventory discover`. Behind each value: who told it."
    yield "# Read it once, then: requorum inventory check -c THIS-FILE"
    yield from (f"# NOTE {_one_line(note)}" for note in draft.notes)
    yield f"cluster: {_scalar(name)}"
    if draft.cluster_id is not None:
        yield f'cluster_id: "{draft.cluster_id.value}"{_remark(draft.cluster_id)}'
    if not draft.members:
        yield "# members: FILL IN every voting member"
    else:
        yield "members:"
    for member in draft.members:
        yield from _member(member)
    yield from _clients(draft.clients)
    yield from _tls(draft)
    yield from _ssh(draft.ssh or Ssh())
    if draft.user is not None:
        yield "auth:"
        yield f"  user: {_scalar(draft.user)}"


def _member(member: MemberDraft) -> Iterator[str]:
    yield f"  - # {_one_line(member.called)}{': ' if member.note else ''}{_one_line(member.note)}"
    for field in ("name", "host", "peer_url", "client_url", "data_dir", "wal_dir"):
        told: Told | None = getattr(member, field)
        if told is not None:
            yield f"    {field}: {_scalar(told.value)}{_remark(told)}"
        elif field in member.missing:
            example, meaning = _FILL_IN[field]
            yield f"    # {field}: {example}  # FILL IN {meaning}"
    yield from _service(member.service)


def _service(told: ToldService | None) -> Iterator[str]:
    if told is None:
        example, meaning = _FILL_IN["service"]
        yield f"    # service: {example}  # FILL IN how it is run, {meaning}"
        return
    field = "unit" if told.kind == "systemd" else "manifest"
    yield f"    service:{_remark(told)}"
    yield f"      kind: {told.kind}"
    yield f"      {field}: {_scalar(told.value)}"


def _clients(clients: Sequence[ClientDraft]) -> Iterator[str]:
    if not clients:
        yield "# clients:  # what uses the cluster, in the order in which it is to be stopped"
        yield "#   - {unit: kube-apiserver, hosts: all}"
        return
    yield "clients:  # in the order in which they are stopped; started in reverse"
    for client in clients:
        doubt = "" if client.sure else _CHECK
        yield f"  - {client.kind}: {_scalar(client.value)}  # {doubt}{_one_line(client.source)}"
        yield f"    hosts: [{', '.join(_scalar(host) for host in client.hosts)}]"


def _tls(draft: ClusterDraft) -> Iterator[str]:
    tls: Tls | None = draft.tls
    if tls is not None:
        yield f"tls:  # {_one_line(draft.tls_source)}"
        for field in ("cacert", "cert", "key"):
            path = getattr(tls, field)
            if path is not None:
                yield f"  {field}: {_scalar(path)}"
        yield f"  on: {tls.on}"
    elif any(m.client_url and m.client_url.value.startswith("https") for m in draft.members):
        yield "# tls:  # FILL IN the client certificates, the client URLs are https"
        yield "#   cacert: /PATH/ca.pem"
        yield "#   cert: /PATH/client.pem"
        yield "#   key: /PATH/client-key.pem"
        yield "#   on: hosts  # or `here`, for files of this machine"


def _ssh(ssh: Ssh) -> Iterator[str]:
    if ssh == Ssh():
        yield "# ssh:  # left to your ssh config; `become: sudo` where you log in as no root"
        yield "#   become: sudo"
        return
    yield "ssh:"
    for field in ("user", "port", "known_hosts", "jump", "become"):
        value = getattr(ssh, field)
        if value is not None:
            yield f"  {field}: {value if isinstance(value, int) else _scalar(value)}"
    if ssh.identity_files:
        yield f"  identity_files: [{', '.join(_scalar(path) for path in ssh.identity_files)}]"


def _remark(told: Told | ToldService) -> str:
    return f"  # {'' if told.sure else _CHECK}{_one_line(told.source)}"


def _one_line(text: str) -> str:
    """Return what a comment can hold."""
    return "".join(char if char.isprintable() else " " for char in text)


def _scalar(text: str) -> str:
    """Return a text as YAML, in quotes unless it can be nothing else."""
    if _PLAIN.fullmatch(text) and text.lower() not in _TRUTH:
        return text
    return yaml.safe_dump(text, default_style='"', width=1 << 20).strip()
