"""A rendered cluster file is read back as what was told; what is not known is a comment."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from requorum.app.cluster_file import parse_cluster
from requorum.app.inventory.cluster_file_text import cluster_file_text
from requorum.domain.cluster import (
    ClientService,
    Cluster,
    MemberSpec,
    Ssh,
    StaticPodService,
    SystemdService,
    Tls,
)
from requorum.domain.cluster_draft import ClientDraft, ClusterDraft, MemberDraft, Told, ToldService
from requorum.domain.ids import ClusterId
from requorum.errors import ClusterFileError

_SHOWN = st.characters(exclude_categories=("C", "Z"))
TEXTS = st.text(_SHOWN, min_size=1, max_size=12)
NAMES = TEXTS | st.sampled_from(["yes", "1", "~", "null", "a: b", "- x", "#", "0x1f", "1e3", "é"])
PATHS = NAMES.map(lambda name: "/srv/" + name.replace("/", "-")).map(str.rstrip)


def told(value: str | None, source: str = "a source # with\nmore: [lines]") -> Told | None:
    """Return it, its source as awkward as can be."""
    return None if value is None else Told(value, source)


@st.composite
def clusters(draw: st.DrawFn) -> tuple[Cluster, ClusterDraft]:
    """Draw a cluster and the draft that tells it."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    specs, drafts = [], []
    for number, name in enumerate(names):
        is_unit = draw(st.booleans())
        value = f"etcd{number}.service" if is_unit else f"/etc/m{number}.yaml"
        spec = MemberSpec(
            name=name,
            host=draw(st.sampled_from(["local", "root@[fd00::1]:22", "10.0.0.31"])),
            peer_url=f"https://10.0.0.{number}:2380",
            client_url=f"https://10.0.0.{number}:2379",
            data_dir=f"{draw(PATHS)}{number}",
            wal_dir=draw(st.none() | PATHS),
            service=SystemdService(unit=value) if is_unit else StaticPodService(manifest=value),
        )
        specs.append(spec)
        drafts.append(
            MemberDraft(
                name=told(spec.name),
                host=told(spec.host),
                peer_url=told(spec.peer_url),
                client_url=told(spec.client_url),
                data_dir=told(spec.data_dir),
                wal_dir=told(spec.wal_dir),
                service=ToldService("systemd" if is_unit else "static-pod", value, "somebody"),
                note=draw(st.sampled_from(["", "its host\ndid not tell"])),
            )
        )
    hosts = ("local", "root@[fd00::1]:22")
    client = draw(st.booleans())
    tls = draw(st.none() | st.builds(Tls, cacert=PATHS, on=st.sampled_from(["here", "hosts"])))
    ssh = draw(
        st.builds(
            Ssh,
            port=st.none() | st.integers(1, 65535),
            identity_files=st.lists(PATHS, max_size=2).map(tuple),
            become=st.sampled_from([None, "sudo"]),
        )
    )
    cluster = Cluster(
        name=draw(NAMES),
        members=tuple(specs),
        clients=(ClientService(service=SystemdService(unit="kubelet.service"), hosts=hosts),)
        if client
        else (),
        tls=tls,
        ssh=ssh,
        cluster_id=draw(st.none() | st.integers(1, 2**64 - 1).map(ClusterId)),
    )
    draft = ClusterDraft(
        members=tuple(drafts),
        clients=(ClientDraft(kind="unit", value="kubelet.service", hosts=hosts, source="x"),)
        if client
        else (),
        tls=tls,
        tls_source="somebody",
        ssh=ssh,
        cluster_id=told(f"{cluster.cluster_id:x}") if cluster.cluster_id else None,
        notes=("a note\n- of: two lines",),
    )
    return cluster, draft


@settings(max_examples=15)
@given(clusters())
def test_a_rendered_file_is_read_back(pair: tuple[Cluster, ClusterDraft]) -> None:
    """Whatever names and paths are, the file says them; comments change nothing."""
    cluster, draft = pair
    assert draft.complete
    assert parse_cluster(cluster_file_text(cluster.name, draft), "x") == cluster


WHOLE = MemberDraft(
    name=told("m1"),
    host=told("root@10.0.0.31"),
    peer_url=told("https://10.0.0.31:2380"),
    client_url=told("https://10.0.0.31:2379"),
    data_dir=told("/var/lib/etcd"),
    service=ToldService("systemd", "etcd.service", "somebody"),
)


@pytest.mark.parametrize("field", ["name", "peer_url", "client_url", "data_dir", "service"])
def test_what_is_not_known_is_a_comment_to_fill_in(field: str) -> None:
    """The file names the field, in the place where it belongs, and does not load without it."""
    draft = ClusterDraft(members=(replace(WHOLE, **{field: None}),))
    text = cluster_file_text("c", draft)
    (line,) = [line for line in text.splitlines() if "FILL IN" in line and field in line]
    with pytest.raises(ClusterFileError, match=field):
        parse_cluster(text, "x")
    filled_in = text.replace(line, line.replace("# ", "", 1))
    assert parse_cluster(filled_in, "x").members[0].peer_url.startswith("https://")
