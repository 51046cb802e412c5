"""One host's life: it boots, it is asked from its console, its power goes."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from requorum.errors import DamagedInput, DeadlineExceeded, Refused, StepFailed
from requorum.lab.hosts.cgroup import make_groups, remove_groups, systemd_runs_here
from requorum.lab.hosts.description import HostLab
from requorum.lab.hosts.disk import prepare_disk
from requorum.lab.hosts.network import switch_off, switch_on
from requorum.lab.hosts.system import SEARCH_PATH, call
from requorum.lab.process import (
    ProcessId,
    alive,
    find_by_argv,
    kill_all,
    spawn_daemon,
    stop_all,
    wait_gone,
)

_PROC = Path("/proc")
_INIT_SECONDS = 10.0
_EARLY_DEATH_SECONDS = 0.2
_SHUTDOWN_SECONDS = 20.0
_POLL_SECONDS = 0.02
_LAST_WORDS_BYTES = 4096
_ENTER_GROUPS = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 1; shift; done; shift; exec "$@"'
"""The shell enters each cgroup.procs before `--`, then becomes what stands after it."""


def boot(lab: HostLab, name: str) -> None:
    """Start the host, its output appended to its console; nothing to do when it runs.

    Its disk is mounted, and prepared before its first boot.

    StepFailed, with the console's last line, when it ends at once.
    """
    if running(lab, name):
        return
    prepare_disk(lab, name)
    switch_on(lab, name)
    remove_groups(lab.machine(name))
    groups = [] if systemd_runs_here() else make_groups(lab.machine(name))
    process = spawn_daemon(
        ["/bin/sh", "-c", _ENTER_GROUPS, "sh", *map(str, groups), "--", *_nspawn(lab, name)],
        log=lab.console(name),
        env={"PATH": SEARCH_PATH, "LC_ALL": "C.UTF-8"},
    )
    lab.pid_file(name).write_text(process.to_text(), encoding="ascii")
    if wait_gone(process, deadline=_EARLY_DEATH_SECONDS):
        raise StepFailed(f"{name} ended as soon as it was started: {last_words(lab, name)}")


def _nspawn(lab: HostLab, name: str) -> list[str]:
    machine = lab.machine(name)
    return [
        "systemd-nspawn",
        "--quiet",
        "--register=no",
        *([] if systemd_runs_here() else ["--keep-unit"]),
        f"--machine={machine}",
        f"--hostname={name}",
        f"--directory={lab.host(name).root_dir}",
        f"--network-namespace-path=/run/netns/{machine}",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        "--boot",
    ]


def supervisor(lab: HostLab, name: str) -> ProcessId | None:
    """Return the host's nspawn process while it runs.

    Found by its pid file, or by its arguments where the pid file was never written.
    """
    argv = _nspawn(lab, name)
    try:
        recorded = ProcessId.from_text(lab.pid_file(name).read_text(encoding="ascii"))
    except (FileNotFoundError, DamagedInput):
        return find_by_argv(argv)
    return recorded if alive(recorded) else find_by_argv(argv)


def running(lab: HostLab, name: str) -> bool:
    """Return whether the host has power. Whether it is up is for its systemd to say."""
    return supervisor(lab, name) is not None


def init_of(lab: HostLab, name: str) -> ProcessId | None:
    """Return the host's own init, process 1 of its namespace, as this machine numbers it."""
    parent = supervisor(lab, name)
    if parent is None:
        return None
    return next((child for child in _children(parent.pid) if _is_init(child.pid)), None)


def _children(parent: int) -> Iterator[ProcessId]:
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            # It may end while we look at it.
            with suppress(FileNotFoundError, ProcessLookupError):
                fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
                if int(fields[1]) == parent:
                    yield ProcessId(int(entry.name), int(fields[19]))


def _is_init(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in (_PROC / str(pid) / "status").read_text(errors="replace").splitlines():
            if line.startswith("NSpid:"):
                return len(line.split()) > 2 and line.split()[-1] == "1"
    return False


def inside(lab: HostLab, name: str, argv: Sequence[str], *, deadline: float = 10) -> str:
    """Run a command on the host as root at its console, network or not; return stdout.

    Refused when it has no power; ToolUnfit with the command's last line when it fails.
    """
    init = init_of(lab, name)
    if init is None:
        raise Refused(f"{name} is not running", hint="`requorum lab hosts up` boots it.")
    return call("nsenter", "--target", str(init.pid), "--all", "--", *argv, deadline=deadline)


def cut_power(lab: HostLab, names: Sequence[str]) -> tuple[str, ...]:
    """End every process of these hosts at one moment (SIGKILL); return those that were running.

    Their network cards die some milliseconds before, so that no peer is told by a closed
    connection. What they had written is there when they boot again, as after a power cut whose
    disks kept all that reached the kernel.
    """
    powered = [name for name in names if running(lab, name)]
    for name in powered:
        switch_off(lab, name)
    kill_hosts(lab, names)
    return tuple(powered)


def kill_hosts(lab: HostLab, names: Sequence[str]) -> None:
    """End every process of these hosts at one moment (SIGKILL), whatever state they are in."""
    processes = [find(lab, name) for name in names for find in (init_of, supervisor)]
    kill_all([process for process in processes if process])
    for name in names:
        _forget(lab, name)


def shut_down(lab: HostLab, names: Sequence[str]) -> None:
    """Shut these hosts down in order, all together; what does not end in time is killed."""
    found = [process for name in names if (process := supervisor(lab, name))]
    stop_all(found, grace=_SHUTDOWN_SECONDS)
    for name in names:
        _forget(lab, name)


def _forget(lab: HostLab, name: str) -> None:
    lab.pid_file(name).unlink(missing_ok=True)
    _remove_emptied_groups(lab.machine(name))


def _remove_emptied_groups(machine: str) -> None:
    """Remove the groups, which can be done a moment after their last process ended, not at once."""
    give_up = time.monotonic() + _INIT_SECONDS
    while True:
        try:
            remove_groups(machine)
        except OSError as error:
            if time.monotonic() > give_up:
                raise DeadlineExceeded(f"{error.filename} is still in use") from error
        else:
            return
        time.sleep(_POLL_SECONDS)


def last_words(lab: HostLab, name: str) -> str:
    """Return the last line on its console."""
    text = lab.console(name).read_bytes()[-_LAST_WORDS_BYTES:].decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "its console is empty"
