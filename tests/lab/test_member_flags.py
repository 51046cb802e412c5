"""The command line of a practice member."""

from pathlib import Path

from requorum.lab.layout import Lab, LabMember
from requorum.lab.member_flags import configure, member_argv


def lab_in(directory: Path) -> Lab:
    """Return a practice cluster of two that is only described."""
    return Lab(
        directory=directory,
        bin_dir=Path("/opt/etcd"),
        etcd_version="3.5.16",
        token="t",  # noqa: S106  # etcd's word for the cluster's name
        members=(
            LabMember(name="etcd1", peer_port=1, client_port=2),
            LabMember(name="etcd2", peer_port=3, client_port=4),
        ),
        extra_flags=("--snapshot-count=10",),
    )


def test_configured_flags_take_the_place_of_the_first_ones(tmp_path: Path) -> None:
    """Each flag is given once; without any it is as it was."""
    lab = lab_in(tmp_path)
    first = member_argv(lab, "etcd2")
    assert first[0] == "/opt/etcd/etcd"
    assert "--initial-cluster-state=new" in first
    configure(lab, "etcd2", ("--initial-cluster-state=existing", "--initial-cluster=a=b"))
    joined = member_argv(lab, "etcd2")
    assert "--initial-cluster-state=existing" in joined
    assert [flag for flag in joined if flag.startswith("--initial-cluster=")] == [
        "--initial-cluster=a=b"
    ]
    assert len(joined) == len(first)
    assert member_argv(lab, "etcd1") != joined
    configure(lab, "etcd2", ())
    assert member_argv(lab, "etcd2") == first
