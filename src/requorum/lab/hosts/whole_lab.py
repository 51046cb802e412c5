"""The whole lab: made, booted, taken down.

`up` may be killed anywhere and called again: each part is made where it is not there yet.
"""

import fcntl
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from requorum.errors import Locked, Refused, UsageError
from requorum.lab.hosts.base_image import base_image
from requorum.lab.hosts.certificates import make_certificates
from requorum.lab.hosts.claim import claim_again, claim_any, claimed_by, give_back
from requorum.lab.hosts.cluster_file import write_cluster_file
from requorum.lab.hosts.description import (
    HostLab,
    Wanted,
    describe,
    find_host_lab,
    write_host_lab,
)
from requorum.lab.hosts.disk import prepare_disk, unmount_disk
from requorum.lab.hosts.machine import boot, kill_hosts, running, shut_down
from requorum.lab.hosts.mounts import mounted_below
from requorum.lab.hosts.network import make_network, remove_network
from requorum.lab.hosts.ssh_access import collect_host_keys, write_client_files
from requorum.lab.obtain.wanted import Obtained

_NOT_IN_A_MOUNT_OPTION = ",:\\"


def up(
    directory: Path,
    wanted: Wanted,
    *,
    etcd: Obtained,
    image_cache: Path,
    say: Callable[[str], None],
) -> HostLab:
    """Make the lab in `directory`, or go on with the one that is there, and boot its hosts.

    Hosts that run are left alone; see `readiness` for when they are up. UsageError when something
    else lies in the directory, or a lab that is not what is wanted; Locked when somebody else is
    at it.
    """
    directory = directory.resolve()
    _refuse_unfit(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with alone(directory):
        lab = _as_it_was_made(directory, wanted) or _new(directory, wanted, etcd, image_cache, say)
        _prepare(lab)
        boot_all(lab)
    return lab


def _refuse_unfit(directory: Path) -> None:
    if any(character in str(directory) for character in _NOT_IN_A_MOUNT_OPTION):
        raise UsageError(
            f"{directory} cannot be mounted over: it has a comma, colon or backslash in its name",
            hint="Choose another --directory.",
        )
    if (directory / "lab.json").exists() or not directory.exists():
        return
    if any(name for name in directory.iterdir() if name.name != "lock"):
        raise UsageError(
            f"{directory} holds something else", hint="Choose an empty or new --directory."
        )


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Keep everybody else from changing the lab; Locked when somebody else does."""
    with (directory / "lock").open("w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Locked(
                f"somebody else is working on the hosts in {directory}",
                hint="Wait until that command has ended.",
            ) from error
        yield


def _as_it_was_made(directory: Path, wanted: Wanted) -> HostLab | None:
    lab = find_host_lab(directory)
    if lab is None:
        return None
    _refuse_moved(lab, directory)
    if lab.wanted != wanted:
        made, asked = lab.wanted.model_dump(), wanted.model_dump()
        differing = [f"{key} {made[key]}" for key in made if made[key] != asked[key]]
        raise UsageError(
            f"the hosts in {directory} were made with {', '.join(differing)}",
            hint="Ask for the same, or remove them with `requorum lab hosts down --remove`.",
        )
    if not lab.base.is_dir():
        raise Refused(
            f"the base image of these hosts is gone: {lab.base}",
            hint="Remove them with `requorum lab hosts down --remove` and make new ones.",
        )
    claim_again(lab.number, directory)
    return lab


def _refuse_moved(lab: HostLab, directory: Path) -> None:
    if lab.directory != directory:
        raise UsageError(
            f"the hosts in {directory} were made in {lab.directory}", hint="Move them back."
        )


def _new(
    directory: Path,
    wanted: Wanted,
    etcd: Obtained,
    image_cache: Path,
    say: Callable[[str], None],
) -> HostLab:
    lab = describe(
        directory,
        wanted,
        number=claim_any(directory),
        base=base_image(image_cache, say),
        bin_dir=etcd.directory.resolve(),
        etcd_version=str(etcd.version),
    )
    write_host_lab(lab)
    return lab


def _prepare(lab: HostLab) -> None:
    """Make all that the hosts need before they boot, where it is not there yet."""
    if not any(running(lab, name) for name in lab.names):
        make_network(lab)
    write_client_files(lab)
    write_cluster_file(lab)
    make_certificates(lab)
    furnished = [prepare_disk(lab, name) for name in lab.names]
    if any(furnished) or not lab.hosts[0].known_hosts.exists():
        collect_host_keys(lab)


def boot_all(lab: HostLab) -> None:
    """Boot every host that does not run; all of them at once."""
    for name in lab.names:
        boot(lab, name)


def down(directory: Path, *, remove: bool) -> None:
    """Shut every host down; end every mount, namespace, link, cgroup and claim of the lab.

    The files stay, so that `up` boots the same hosts again, unless `remove` is asked for: then
    the hosts' power is cut, and the directory is removed. No error when the lab is down already,
    or was never whole.
    """
    directory = directory.resolve()
    if not (directory / "lock").exists():
        raise UsageError(f"there are no hosts in {directory}")
    with alone(directory):
        lab = find_host_lab(directory)
        if lab is not None:
            _refuse_moved(lab, directory)
            _take_apart(lab, end=kill_hosts if remove else shut_down)
        number = claimed_by(directory)
        if number is not None:
            give_back(number, directory)
        if remove:
            _remove(directory)


def _take_apart(lab: HostLab, *, end: Callable[[HostLab, Sequence[str]], object]) -> None:
    end(lab, lab.names)
    for name in lab.names:
        unmount_disk(lab, name)
    # Without its claim, after a restart of this machine, the names may be another lab's by now.
    if claimed_by(lab.directory) == lab.number:
        remove_network(lab)


def _remove(directory: Path) -> None:
    mounted = mounted_below(directory)
    if mounted:
        raise Refused(f"{mounted[0]} is still mounted; nothing was removed")
    shutil.rmtree(directory)
