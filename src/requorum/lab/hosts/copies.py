"""Earlier copies of the hosts' data directories, to be put back as if from a backup of the disk."""

from requorum.errors import Refused
from requorum.lab.damage.graveyard import bury
from requorum.lab.damage.sparse import copy_tree_sparse
from requorum.lab.hosts.description import HostLab
from requorum.lab.hosts.machine import inside


def keep_copies(lab: HostLab) -> None:
    """Copy every data directory as a power cut at this moment would leave it.

    Each member stands still (SIGSTOP) while it is copied, one after another, so that the quorum
    goes on. An older copy goes to the graveyard.
    """
    for host in lab.hosts:
        copy = lab.copy_of(host.name)
        if copy.exists():
            bury(lab, host.name, copy)
        copy.parent.mkdir(exist_ok=True)
        signal = ["systemctl", "kill", "--signal=SIGSTOP", host.unit]
        inside(lab, host.name, signal)
        try:
            copy_tree_sparse(host.root_dir / host.data_dir.lstrip("/"), copy)
        finally:
            inside(lab, host.name, [*signal[:2], "--signal=SIGCONT", host.unit])


def put_copy_back(lab: HostLab, name: str) -> str:
    """Replace the data directory of a host without power by its earlier copy.

    Its disk must not be mounted. Refused where there is no copy.
    """
    copy, data_dir = lab.copy_of(name), lab.data_dir(name)
    if not copy.is_dir():
        raise Refused(f"there is no earlier copy of {name}")
    if data_dir.exists():
        bury(lab, name, data_dir)
    copy_tree_sparse(copy, data_dir)
    return f"{data_dir}: replaced by the copy in {copy}"
