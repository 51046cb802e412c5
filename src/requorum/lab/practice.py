"""The practice cluster: real etcd processes on loopback that survive the command starting them.

Only processes that this module started are ever ended, each by its process id and start time.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from requorum.errors import DamagedInput, RequorumError, StepFailed, Unreachable, UsageError
from requorum.lab.layout import Lab, LabMember, TlsFiles, read_lab, write_lab
from requorum.lab.loopback import free_ports
from requorum.lab.member_flags import configure, member_argv
from requorum.lab.obtain.command import etcd_version
from requorum.lab.process import (
    ProcessId,
    alive,
    find_by_argv,
    kill_all,
    spawn_daemon,
    stop_all,
    wait_gone,
)
from requorum.ports.etcd import Etcd

Connect = Callable[[str], Etcd]
"""Gives a client of the endpoint with that client URL, with the lab's TLS and user in it."""

OUR_COMMAND = (sys.executable, "-m", "requorum")
_EARLY_DEATH_SECONDS = 0.5
_STOP_SECONDS = 10.0
_DOWN_SECONDS = 3.0  # all of them at once: who leaves looks for a successor that leaves too
_READY_POLL_SECONDS = 0.05
_LOG_TAIL_BYTES = 64 * 1024  # a wrong flag is followed by all of etcd's usage
_TELLING_SIGNS = (
    '"level":"fatal"',
    '"level":"panic"',
    '"level":"error"',
    "panic: ",
    "flag provided but not defined",
)


@dataclass(frozen=True, slots=True)
class MemberState:
    """One member as the operating system sees it; `pid` is None while it does not run."""

    name: str
    client_url: str
    peer_url: str
    pid: int | None
    has_data: bool


def up(
    directory: Path,
    *,
    bin_dir: Path,
    members: int | Sequence[str] = 3,
    ports: Sequence[int] | None = None,
    extra_flags: Sequence[str] = (),
    token: str | None = None,
    tls: TlsFiles | None = None,
    service_command: tuple[str, ...] = OUR_COMMAND,
) -> Lab:
    """Create a practice cluster in `directory` and start its members; see `wait_ready`.

    `members`: how many (named etcd1, etcd2, …), or their names. `ports`: a peer port and a client
    port for each; free ones otherwise. UsageError when the directory has a practice cluster
    already; StepFailed, with the end of its log, when a member ends at once.
    """
    directory = directory.resolve()
    if (directory / "lab.json").exists():
        raise UsageError(
            f"{directory} has a practice cluster already",
            hint="Start its members with `requorum lab member start`, or choose another --dir.",
        )
    names = _names(members)
    lab = Lab(
        directory=directory,
        bin_dir=bin_dir.resolve(),
        etcd_version=str(etcd_version(bin_dir / "etcd")),
        token=token or f"lab-{os.urandom(4).hex()}",
        members=_with_ports(names, ports or free_ports(2 * len(names))),
        extra_flags=tuple(extra_flags),
        tls=tls,
    )
    write_lab(lab, service_command)
    start_members(lab, lab.names)
    return lab


def _names(members: int | Sequence[str]) -> tuple[str, ...]:
    if isinstance(members, int):
        members = [f"etcd{number}" for number in range(1, members + 1)]
    if not members:
        raise UsageError("a practice cluster has at least one member")
    return tuple(members)


def _with_ports(names: Sequence[str], ports: Sequence[int]) -> tuple[LabMember, ...]:
    if len(ports) != 2 * len(names):
        raise UsageError(f"{len(names)} members need {2 * len(names)} ports, not {len(ports)}")
    return tuple(
        LabMember(name=name, peer_port=ports[2 * number], client_port=ports[2 * number + 1])
        for number, name in enumerate(names)
    )


def start_members(lab: Lab, names: Sequence[str], environ: Mapping[str, str] = os.environ) -> None:
    """Start them; those that run already are left alone. StepFailed when one ends at once."""
    started = [(name, _start(lab, name, environ)) for name in names if not member_pid(lab, name)]
    give_up = time.monotonic() + _EARLY_DEATH_SECONDS
    for name, process in started:
        if wait_gone(process, deadline=give_up - time.monotonic()):
            raise StepFailed(f"etcd ended as soon as {name} was started: {last_words(lab, name)}")


def _start(lab: Lab, name: str, environ: Mapping[str, str]) -> ProcessId:
    # ETCD_… variables are flags to etcd: an operator's own must not reach a practice member.
    env = {key: value for key, value in environ.items() if not key.startswith("ETCD_")}
    lab.data_dir(name).parent.mkdir(parents=True, exist_ok=True)
    process = spawn_daemon(member_argv(lab, name), log=lab.log(name), env=env)
    lab.pid_file(name).write_text(process.to_text(), encoding="ascii")
    return process


def member_pid(lab: Lab, name: str) -> int | None:
    """Return the process id of this member while it runs."""
    process = member_process(lab, name)
    return process.pid if process else None


def member_process(lab: Lab, name: str) -> ProcessId | None:
    """Return this member's process while it runs.

    Found by its pid file, or by its arguments where the pid file was never written.
    """
    lab.member(name)
    try:
        recorded = ProcessId.from_text(lab.pid_file(name).read_text(encoding="ascii"))
    except (FileNotFoundError, DamagedInput):
        return find_by_argv(member_argv(lab, name))
    return recorded if alive(recorded) else find_by_argv(member_argv(lab, name))


def _processes(lab: Lab, names: Sequence[str]) -> list[ProcessId]:
    return [process for name in names if (process := member_process(lab, name))]


def start_member(directory: Path, name: str) -> None:
    """Start one member; nothing to do when it runs."""
    start_members(read_lab(directory), [name])


def stop_member(directory: Path, name: str) -> None:
    """SIGTERM, a bounded wait, SIGKILL; returns once it is gone."""
    stop_all(_processes(read_lab(directory), [name]), grace=_STOP_SECONDS)


def configure_member(directory: Path, name: str, flags: tuple[str, ...]) -> None:
    """Make these flags count from the member's next start on; none of them goes back."""
    lab = read_lab(directory)
    configure(lab, lab.member(name).name, flags)


def member_running(directory: Path, name: str) -> bool:
    """Return whether this member's process runs."""
    return member_pid(read_lab(directory), name) is not None


def crash(directory: Path, names: Sequence[str] | None = None) -> tuple[str, ...]:
    """SIGKILL these members (all of them by default) at once; return those that were running."""
    lab = read_lab(directory)
    running = {name: member_process(lab, name) for name in names or lab.names}
    kill_all([process for process in running.values() if process])
    return tuple(name for name, process in running.items() if process)


def down(directory: Path) -> None:
    """Stop every member; all files stay."""
    lab = read_lab(directory)
    stop_all(_processes(lab, lab.names), grace=_DOWN_SECONDS)


def status(directory: Path) -> tuple[MemberState, ...]:
    """Return what runs. Whether it is healthy is etcd's to say: see the cluster file."""
    lab = read_lab(directory)
    return tuple(
        MemberState(
            name=name,
            client_url=lab.client_url(name),
            peer_url=lab.peer_url(name),
            pid=member_pid(lab, name),
            has_data=(lab.data_dir(name) / "member").is_dir(),
        )
        for name in lab.names
    )


def last_words(lab: Lab, name: str) -> str:
    """Return the line of its log that says best why it ended: to be shown with an error."""
    text = lab.log(name).read_bytes()[-_LOG_TAIL_BYTES:].decode("utf-8", "replace")
    lines = [line for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if any(sign in line for sign in _TELLING_SIGNS)]
    return (telling or lines or ["its log is empty"])[-1]


async def wait_ready(lab: Lab, connect: Connect, *, deadline: float) -> None:
    """Wait until every member answers a linearizable read.

    Unreachable, with the last error, when one does not within `deadline` seconds.
    """
    give_up = time.monotonic() + deadline
    await asyncio.gather(*(_wait_answer(lab, name, connect, give_up) for name in lab.names))


async def _wait_answer(lab: Lab, name: str, connect: Connect, give_up: float) -> None:
    etcd = connect(lab.client_url(name))
    try:
        while True:
            try:
                await etcd.get(b"\0", deadline=1)
            except RequorumError as error:
                if time.monotonic() > give_up:
                    raise Unreachable(f"{name} is not ready: {error.message}") from error
            else:
                return
            await asyncio.sleep(_READY_POLL_SECONDS)
    finally:
        await etcd.close()
