"""Earlier copies of data directories, to be put back as if from a backup of the disk."""

from requorum.errors import Refused
from requorum.lab.damage.graveyard import bury
from requorum.lab.damage.sparse import copy_tree_sparse
from requorum.lab.layout import Lab
from requorum.lab.practice import member_process
from requorum.lab.process import frozen


def keep_copies(lab: Lab) -> None:
    """Copy every data directory as a crash at this moment would leave it.

    Each member stands still (SIGSTOP) while it is copied, one after another, so that the quorum
    goes on. An older copy goes to the graveyard.
    """
    for name in lab.names:
        if not lab.data_dir(name).is_dir():
            continue
        copy = lab.copy_of(name)
        if copy.exists():
            bury(lab, name, copy)
        copy.parent.mkdir(exist_ok=True)
        process = member_process(lab, name)
        if process is None:
            copy_tree_sparse(lab.data_dir(name), copy)
        else:
            with frozen(process):
                copy_tree_sparse(lab.data_dir(name), copy)


def put_copy_back(lab: Lab, name: str) -> str:
    """Replace the member's data directory by its earlier copy."""
    copy, data_dir = lab.copy_of(name), lab.data_dir(name)
    if not copy.is_dir():
        raise Refused(
            f"there is no earlier copy of {name}",
            hint="`requorum lab load` takes one when it starts.",
        )
    if data_dir.exists():
        bury(lab, name, data_dir)
    copy_tree_sparse(copy, data_dir)
    return f"{data_dir}: replaced by the copy in {copy}"
