"""Where a run keeps what it sets aside and what it makes: beside the data, on the same disk.

A rename is atomic only within one file system, so everything stays next to the data directory.
Where the data directory itself is a mount point it cannot be renamed; then its `member` folder is.
"""

from dataclasses import dataclass
from posixpath import join

from requorum.domain.cluster import MemberSpec
from requorum.errors import Refused


@dataclass(frozen=True, slots=True)
class Swap:
    """One directory that changes: `live` goes to `aside`, `fresh` comes to `live`."""

    live: str
    aside: str
    fresh: str


@dataclass(frozen=True, slots=True)
class Workspace:
    """One member's places for one run. `restored_*` are what `snapshot restore` is told."""

    root: str
    lock: str
    restored_data_dir: str
    restored_wal_dir: str | None
    swaps: tuple[Swap, ...]

    @property
    def image(self) -> str:
        """Return where the rescue image is made."""
        return join(self.root, "image.db")


def workspace_of(
    member: MemberSpec, run: str, *, data_dir_is_mount: bool, wal_dir_is_mount: bool
) -> Workspace:
    """Return the places; Refused where a rename cannot work."""
    if wal_dir_is_mount:
        raise Refused(
            f"the WAL directory {member.wal_dir} of {member.name} is a mount point, "
            "it cannot be set aside by a rename",
            hint="Put the WAL into a folder below the mount point.",
        )
    if member.wal_dir is not None and member.wal_dir.startswith(member.data_dir + "/"):
        raise Refused(
            f"the WAL directory of {member.name} lies inside of its data directory",
            hint="Leave out `wal_dir` if etcd runs without --wal-dir; else move it outside.",
        )
    if data_dir_is_mount:
        root = join(member.data_dir, f"requorum-{run}")
        restored = join(root, "restored")
        data = Swap(
            join(member.data_dir, "member"), join(root, "original-member"), join(restored, "member")
        )
        lock = join(member.data_dir, "requorum.lock")
    else:
        root = f"{member.data_dir}.requorum-{run}"
        restored = join(root, "restored")
        data = Swap(member.data_dir, join(root, "original"), restored)
        lock = f"{member.data_dir}.requorum.lock"
    return Workspace(root, lock, restored, _wal_fresh(member, run), (data, *_wal_swap(member, run)))


def _wal_fresh(member: MemberSpec, run: str) -> str | None:
    return None if member.wal_dir is None else f"{member.wal_dir}.requorum-{run}/restored"


def _wal_swap(member: MemberSpec, run: str) -> tuple[Swap, ...]:
    fresh = _wal_fresh(member, run)
    if member.wal_dir is None or fresh is None:
        return ()
    return (Swap(member.wal_dir, f"{member.wal_dir}.requorum-{run}/original", fresh),)
