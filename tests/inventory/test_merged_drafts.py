"""What several sources tell of one cluster, made one; what is concluded from it."""

from requorum.domain.cluster_draft import (
    ClientDraft,
    ClusterDraft,
    MemberDraft,
    Told,
    ToldService,
)
from requorum.inspection.drafted_members import listed_draft
from requorum.inspection.merged_drafts import concluded, destination_like, merged


def member(number: int, source: str, **fields: str) -> MemberDraft:
    """Return a member at 10.0.0.3<number>; more fields are told by the same source."""
    told = {field: Told(value, source) for field, value in fields.items()}
    return MemberDraft(**{
        "name": Told(f"m{number}", source),
        "peer_url": Told(f"https://10.0.0.3{number}:2380", source),
        **told,
    })  # fmt: skip  # one member


def test_the_first_that_is_sure_counts_and_a_difference_is_told() -> None:
    """A concluded value gives way; two that are sure and differ make a note."""
    guess = MemberDraft(name=Told("m1", "guess"), data_dir=Told("/guess", "guess", sure=False))
    one = merged(
        [
            ClusterDraft(members=(guess,)),
            ClusterDraft(members=(member(1, "unit", data_dir="/srv/etcd"),)),
            ClusterDraft(members=(member(1, "file", data_dir="/var/lib/etcd"),)),
        ]
    )
    assert one.members[0].data_dir == Told("/srv/etcd", "unit")
    assert one.notes == ("m1: data_dir is /srv/etcd (unit), but /var/lib/etcd (file)",)


def test_an_address_says_more_than_a_name() -> None:
    """Kubespray's default name gives way to the name that the cluster lists at that peer URL."""
    guess = MemberDraft(
        name=Told("etcd1", "default", sure=False),
        peer_url=Told("https://10.0.0.31:2380", "inventory"),
    )
    one = merged([ClusterDraft(members=(guess,)), ClusterDraft(members=(member(1, "list"),))])
    assert [m.called for m in one.members] == ["m1"]


def test_whom_the_cluster_does_not_list_is_left_out() -> None:
    """An initial-cluster is of the day when the cluster was made."""
    listed = listed_draft(
        [
            ("m1", ("https://10.0.0.31:2380",), ("https://10.0.0.31:2379",), False),
            ("", ("https://10.0.0.34:2380",), (), False),
            ("m9", ("https://10.0.0.39:2380",), (), True),
        ],
        source="list",
        cluster_id=0xABC,
    )
    one = merged([listed, ClusterDraft(members=(member(1, "env"), member(2, "env")))])
    assert [m.called for m in one.members] == ["m1", "https://10.0.0.34:2380"]
    assert one.members[1].missing == ("name", "host", "client_url", "data_dir", "service")
    assert one.cluster_id == Told("abc", "list")
    assert any("learner" in note and "m9" in note for note in one.notes)
    assert any("does not list it: m2" in note for note in one.notes)


def test_clients_of_several_hosts_are_one() -> None:
    """The same unit on two hosts is one client, its hosts in order."""
    drafts = [
        ClusterDraft(
            members=(),
            clients=(
                ClientDraft(kind="unit", value="kubelet.service", hosts=(h,), source="found"),
            ),
        )
        for h in ("a", "b", "a")
    ]
    assert [client.hosts for client in merged(drafts).clients] == [("a", "b")]


def test_what_all_others_share_is_concluded_and_marked() -> None:
    """A host that is down is taken to be as the others; nothing is taken where they differ."""
    service = ToldService("systemd", "etcd.service", "found")
    seen = [
        MemberDraft(
            name=Told(f"m{n}", "s"),
            host=Told(f"root@10.0.0.3{n}:2222", "s"),
            peer_url=Told(f"https://10.0.0.3{n}:2380", "s"),
            client_url=Told(f"https://10.0.0.3{n}:2379", "s"),
            data_dir=Told("/var/lib/etcd", "s"),
            service=service,
        )
        for n in (1, 2)
    ]
    draft = concluded(ClusterDraft(members=(*seen, member(3, "env"))))
    third = draft.members[2]
    assert draft.complete
    assert third.host is not None
    assert third.host.value == "root@10.0.0.33:2222"
    assert third.client_url is not None
    assert third.client_url.value == "https://10.0.0.33:2379"
    assert set(third.unsure) == {"host", "client_url", "data_dir", "service"}

    other = MemberDraft(name=Told("m4", "s"), data_dir=Told("/srv", "s"), service=service)
    unlike = concluded(ClusterDraft(members=(*seen, other, member(3, "env"))))
    assert unlike.members[3].data_dir is None


def test_members_of_one_host_share_no_directory() -> None:
    """What would make two members one is not concluded."""
    first = MemberDraft(
        host=Told("local", "s"), data_dir=Told("/srv/m1", "s"), peer_url=Told("http://x:1", "s")
    )
    second = MemberDraft(host=Told("local", "s"), peer_url=Told("http://x:2", "s"))
    assert concluded(ClusterDraft(members=(first, second))).members[1].data_dir is None


def test_destinations() -> None:
    """User and port are taken over only where all known ones agree."""
    assert destination_like(["root@a:22", "root@b:22"], "fd00::1") == "root@[fd00::1]:22"
    assert destination_like(["root@[fd00::2]:22"], "10.0.0.1") == "root@10.0.0.1:22"
    assert destination_like(["root@a", "core@b"], "10.0.0.1") == "10.0.0.1"
    assert destination_like(["root@a"], "127.0.0.1") == "local"


def test_two_of_one_source_are_two() -> None:
    """However alike they are told, a source that tells of two members means two."""
    alike = [MemberDraft(name=Told(n, "s"), peer_url=Told("http://x:1", "s")) for n in ("a", "b")]
    assert len(merged([ClusterDraft(members=tuple(alike))]).members) == 2
    twice = merged([ClusterDraft(members=tuple(alike)), ClusterDraft(members=tuple(alike))])
    assert [member.called for member in twice.members] == ["a", "b"]
