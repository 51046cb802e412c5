"""Three real hosts to be broken and recovered by the command line, as an operator would have it.

One crash serves for many recoveries: the data directories are kept, and put back.
"""

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from over_ssh import ssh
from practice_site import SOURCE, Finished

from requorum.app.practice.host_lab import connect_to
from requorum.lab.damage.kinds import DamageKind
from requorum.lab.damage.sparse import copy_tree_sparse
from requorum.lab.hosts.cluster_file import cluster_file
from requorum.lab.hosts.description import STAND_IN_KEYS, HostLab
from requorum.lab.hosts.faults import damage, keep_from_starting
from requorum.lab.hosts.machine import cut_power, init_of, inside, running
from requorum.lab.hosts.network import plug
from requorum.lab.hosts.readiness import wait_ssh, wait_up
from requorum.lab.hosts.stand_in_logs import acknowledged
from requorum.lab.hosts.whole_lab import boot_all
from requorum.lab.load import Load
from requorum.lab.oracle import Verdict, collect, judge, read_promises

READY_SECONDS = 120
COMMAND_SECONDS = 200
CLIENTS = ("kube-apiserver", "kubelet")


@dataclass(frozen=True)
class Disks:
    """The hosts' data directories as this machine sees them, by member."""

    places: Mapping[str, Path]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the members' names."""
        return tuple(self.places)

    def data_dir(self, name: str) -> Path:
        """Return the member's data directory."""
        return self.places[name]


@dataclass(frozen=True)
class HostSite:
    """Hosts, and requorum's own state. `beside`: what the stand-ins were promised by the crash."""

    hosts: HostLab
    state_dir: Path
    beside: frozenset[bytes] = frozenset()
    change: Callable[[dict[str, Any]], None] = field(default=lambda _: None)
    started: "list[subprocess.Popen[str]]" = field(default_factory=list)

    @property
    def lab(self) -> Disks:
        """Return where the members' data is."""
        return Disks({h.member: h.root_dir / h.data_dir.lstrip("/") for h in self.hosts.hosts})

    # --- the hosts

    def load(self, writes: int, *, then: Callable[[], object]) -> None:
        """Write until so many writes are acknowledged, then do `then` while writers still write."""
        asyncio.run(self._load(writes, then))

    async def _load(self, writes: int, then: Callable[[], object]) -> None:
        connect = connect_to(self.hosts)
        await wait_up(self.hosts, connect, deadline=READY_SECONDS)
        work = Load(self.hosts.client_urls, connect, self.hosts.acks, seed=11)
        going = asyncio.create_task(work.run())
        try:
            await work.reached(writes, deadline=READY_SECONDS)
            await asyncio.to_thread(then)
        finally:
            work.stop()
            await going

    def crash(self, *damages: str, writes: int = 800) -> "HostSite":
        """Cut the power of all while clients write, damage, boot, and keep what the disks have.

        etcd does not start by itself after that.
        """
        lab = self.hosts
        self.load(writes, then=lambda: cut_power(lab, lab.names))
        rng = random.Random(3)
        for kind, _, member in (text.partition(":") for text in damages):
            damage(lab, lab.host_of(member).name, DamageKind(kind), rng)
        keep_from_starting(lab, lab.names)
        beside = acknowledged(lab)
        for host in lab.hosts:
            if self.lab.data_dir(host.member).exists():
                copy_tree_sparse(self.lab.data_dir(host.member), self._kept / host.name)
        self.power_on()
        return replace(self, beside=beside)

    def power_on(self) -> None:
        """Boot the hosts that are off, plug all in, and wait until sshd answers."""
        for name in self.hosts.names:
            if running(self.hosts, name):
                plug(self.hosts, name)
        boot_all(self.hosts)
        wait_ssh(self.hosts, self.hosts.names, deadline=READY_SECONDS)

    @property
    def _kept(self) -> Path:
        return self.hosts.directory / "kept"

    def put_back(self, state_dir: Path) -> "HostSite":
        """Return the same site as after its crash, with requorum's own state elsewhere."""
        self.power_on()
        for host in self.hosts.hosts:
            self.stop_member(host.name)
            data = self.lab.data_dir(host.member)
            for left in data.parent.glob(f"{data.name}*"):
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            if (self._kept / host.name).exists():
                copy_tree_sparse(self._kept / host.name, data)
            inside(self.hosts, host.name, ["systemctl", "start", *CLIENTS])
        return replace(self, state_dir=state_dir, started=[])

    def stop_member(self, name: str) -> None:
        """Kill etcd on a host, for good."""
        unit = self.hosts.host(name).unit
        ssh(self.hosts, name, "systemctl", "kill", "--signal=KILL", unit, check=False)
        ssh(self.hosts, name, "systemctl", "stop", unit)
        ssh(self.hosts, name, "systemctl", "reset-failed", unit, check=False)

    def runs(self, member: str) -> bool:
        """Return whether the member's unit runs."""
        host = self.hosts.host_of(member)
        done = ssh(self.hosts, host.name, "systemctl", "is-active", host.unit, check=False)
        return done.stdout.strip() not in {"inactive", "failed"}

    def processes(self, name: str) -> Iterator[tuple[int, str]]:
        """Yield each process of a host with its command line."""
        init = init_of(self.hosts, name)
        assert init is not None, f"{name} is off"
        inside = Path(f"/proc/{init.pid}/ns/pid").readlink()
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    if (entry / "ns/pid").readlink() == inside:
                        yield int(entry.name), words.strip()
                except OSError:
                    continue  # it ended while we looked

    def cut_connections(self, *names: str) -> int:
        """End every ssh session of root on these hosts, or on all; return how many there were."""
        count = 0
        for name in names or self.hosts.names:
            for pid, words in list(self.processes(name)):
                if words.startswith("sshd: root"):
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        continue
                    count += 1
        return count

    def await_alone(self, *, deadline: float) -> None:
        """Wait until nothing works on a run's own places; fail with what does."""
        end = time.monotonic() + deadline
        while left := [
            words
            for name in self.hosts.names
            for _, words in self.processes(name)
            if "/var/lib/etcd.requorum" in words
        ]:
            assert time.monotonic() < end, left
            time.sleep(0.05)

    def verdict(self, *, through: str | None = None) -> Verdict:
        """Compare what was acknowledged with what a member returns; the stand-ins' writes, too."""
        return asyncio.run(self._verdict(through or self.lab.names[0]))

    async def _verdict(self, member: str) -> Verdict:
        promises = read_promises(self.hosts.acks)
        etcd = connect_to(self.hosts)(self.hosts.client_url(member))
        try:
            found = await collect(etcd, [lease.id for lease in promises.leases])
        finally:
            await etcd.close()
        missing = self.beside - {key.encode() for key in found.keys}
        assert not missing, f"{len(missing)} writes of the stand-ins are lost"
        ours = {key: kv for key, kv in found.keys.items() if not key.startswith(STAND_IN_KEYS)}
        return judge(promises, replace(found, keys=ours))

    # --- requorum

    @property
    def environment(self) -> dict[str, str]:
        """Return what requorum's process gets."""
        mine = {"PYTHONPATH": str(SOURCE), "REQUORUM_STATE_DIR": str(self.state_dir)}
        return {k: v for k, v in os.environ.items() if not k.startswith("ETCD")} | mine

    @property
    def file(self) -> Path:
        """Write the cluster file, with this site's changes, and return it."""
        self.state_dir.mkdir(exist_ok=True)
        described: dict[str, Any] = {**cluster_file(self.hosts)}
        self.change(described)
        path = self.state_dir / "requorum.yaml"
        path.write_text(yaml.safe_dump(described, sort_keys=False, width=1000))
        return path

    def requorum(self, *words: str) -> Finished:
        """Run a command to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "requorum", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Finished(done.returncode, done.stdout, done.stderr)

    def recover(self, *flags: str) -> Finished:
        """Run `requorum recover --yes -o json` to its end."""
        return self.requorum(*self._recover_words, *flags)

    def start_recover(self, *flags: str) -> "subprocess.Popen[str]":
        """Start it in the background."""
        return self.start_requorum(*self._recover_words, *flags)

    @property
    def _recover_words(self) -> list[str]:
        return ["recover", "-c", str(self.file), "--yes", "-o", "json"]

    def start_requorum(self, *words: str) -> "subprocess.Popen[str]":
        """Start a command in the background, its output in memory."""
        process = subprocess.Popen(
            [sys.executable, "-m", "requorum", *words],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        self.started.append(process)
        return process

    def end_started(self) -> None:
        """Kill what was started and still runs: of a test that failed."""
        while self.started:
            with self.started.pop() as process:
                process.kill()

    def journal_lines(self) -> list[str]:
        """Return the lines of the newest run's journal; none when there is no run."""
        found = sorted(self.state_dir.glob("runs/*/journal.jsonl"))
        return found[-1].read_text().splitlines() if found else []

    def events(self) -> list[dict[str, Any]]:
        """Return the newest run's events."""
        return [json.loads(line)["event"] for line in self.journal_lines()]

    def wait_for(
        self, process: "subprocess.Popen[str]", seen: Callable[[list[dict[str, Any]]], bool]
    ) -> None:
        """Wait until the journal of a command under way shows what is waited for."""
        end = time.monotonic() + COMMAND_SECONDS
        while not seen(self.events()):
            assert time.monotonic() < end
            assert process.poll() is None, process.communicate()
            time.sleep(0.005)
