"""A real cluster to be broken and recovered by the command line, as an operator would have it.

Its processes are kept by `supervisor.py`, not by requorum; its directories can be kept and put
back, so that one crash serves for many recoveries.
"""

import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import supervisor
import yaml

import requorum
from requorum.clients.etcd.channel import TlsMaterial
from requorum.clients.etcd.client import connect as connect_etcd
from requorum.lab.damage.inflict import inflict
from requorum.lab.damage.kinds import DamageKind
from requorum.lab.damage.sparse import copy_tree_sparse
from requorum.lab.layout import Lab, LabMember, TlsFiles, write_lab
from requorum.lab.load import Load, LoadTotals
from requorum.lab.loopback import free_ports
from requorum.lab.member_flags import member_argv
from requorum.lab.obtain.command import etcd_version
from requorum.lab.oracle import Verdict, verdict
from requorum.lab.practice import wait_ready
from requorum.ports.etcd import Etcd, PutOp

SOURCE = Path(requorum.__file__).parents[1]
READY_SECONDS = 60
COMMAND_SECONDS = 120
SUPERVISOR = (sys.executable, "-I", "-S", str(Path(supervisor.__file__).resolve()))

Flags = Callable[[Lab, str], Sequence[str]]
"""Gives the flags that one member has besides."""


def no_flags(_lab: Lab, _name: str) -> Sequence[str]:
    """Give none."""
    return ()


@dataclass(frozen=True)
class Finished:
    """What a command said, and how it ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def result(self) -> dict[str, Any]:
        """Return the one object of `-o json`."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    @property
    def hint(self) -> str:
        """Return the hint that was given; empty when there was none."""
        _, _, hint = self.stderr.partition("hint:")
        return hint.strip()


@dataclass(frozen=True)
class Site:
    """A cluster, requorum's own state, and where etcd's binaries are.

    `login` is "name:password" once authentication is on, for the writers.
    """

    lab: Lab
    state_dir: Path
    etcd_cache: Path
    login: tuple[str, str] | None = None
    env: Mapping[str, str] = field(default_factory=dict)

    # --- the cluster

    def supervise(self, verb: str, *names: str) -> None:
        """Start, stop or kill members (all by default) through their supervisor, one by one."""
        for name in names or self.lab.names:
            words = ["lab", "member", verb, "--dir", str(self.lab.directory), name]
            subprocess.run([*SUPERVISOR, *words], check=True, timeout=60)

    def runs(self, name: str) -> bool:
        """Return whether the member's process runs."""
        return supervisor.pid_of(self.argv(name)) is not None

    def argv(self, name: str) -> list[str]:
        """Return the member's command line."""
        found: list[str] = json.loads((self.lab.directory / name / "argv.json").read_text())
        return found

    def connect(self, endpoint: str) -> Etcd:
        """Return a client that may do everything."""
        tls = self.lab.tls
        material = tls and TlsMaterial(
            tls.cacert.read_bytes(), tls.cert.read_bytes(), tls.key.read_bytes()
        )
        return connect_etcd(endpoint, tls=material, credentials=self.login)

    def await_ready(self) -> None:
        """Wait until every member reads."""
        asyncio.run(wait_ready(self.lab, self.connect, deadline=READY_SECONDS))

    def load(
        self,
        writes: int,
        *,
        then: Callable[[], None] = lambda: None,
        apart_from: Collection[str] = (),
    ) -> LoadTotals:
        """Write until so many writes are acknowledged, then do `then` while writers still write.

        `apart_from` are members through which nobody writes.
        """
        return asyncio.run(self._load(writes, then, apart_from))

    async def _load(
        self, writes: int, then: Callable[[], None], apart_from: Collection[str]
    ) -> LoadTotals:
        urls = [self.lab.client_url(name) for name in self.lab.names if name not in apart_from]
        work = Load(urls, self.connect, self.lab.acks, seed=11)
        running = asyncio.create_task(work.run())
        try:
            await work.reached(writes, deadline=READY_SECONDS)
            await asyncio.to_thread(then)
        finally:
            work.stop()
            await running
        return work.totals

    def kill_all(self) -> None:
        """SIGKILL every member."""
        self.supervise("kill")

    def damage(self, *damages: str, seed: int = 3) -> None:
        """Inflict KIND:MEMBER damages, one after another, on members that are down."""
        rng = random.Random(seed)
        for kind, _, name in (text.partition(":") for text in damages):
            asyncio.run(inflict(DamageKind(kind), self.lab, name, rng, connect=self.connect))

    def put(self, key: bytes, value: bytes, *, through: str) -> None:
        """Put one key through one member."""

        async def act() -> None:
            client = self.connect(self.lab.client_url(through))
            try:
                await client.put(PutOp(key, value), deadline=10)
            finally:
                await client.close()

        asyncio.run(act())

    def verdict(self) -> Verdict:
        """Compare what was acknowledged with what the cluster returns."""

        async def act() -> Verdict:
            client = self.connect(self.lab.client_urls[0])
            try:
                return await verdict(self.lab.acks, client)
            finally:
                await client.close()

        return asyncio.run(act())

    # --- its directories

    def keep(self) -> None:
        """Copy every member's folder as it is now."""
        kept = self.lab.directory / "kept"
        for name in self.lab.names:
            copy_tree_sparse(self.lab.directory / name, kept / name)

    def put_back(self, state_dir: Path) -> "Site":
        """Return the same site as it was kept, with requorum's own state elsewhere."""
        self.kill_all()
        for name in self.lab.names:
            shutil.rmtree(self.lab.directory / name)
            copy_tree_sparse(self.lab.directory / "kept" / name, self.lab.directory / name)
        return replace(self, state_dir=state_dir)

    def bystanders(self) -> list[str]:
        """Return the command lines of processes that work on this site and are not its members."""
        members = {"\0".join(self.argv(name)) + "\0" for name in self.lab.names}
        place = str(self.lab.directory) + "/"
        found = (
            supervisor.cmdline(entry).decode(errors="replace")
            for entry in Path("/proc").iterdir()
            if entry.name.isdecimal()
        )
        return [line for line in found if place in line and line not in members]

    def await_alone(self, *, deadline: float) -> None:
        """Wait until nothing but members works on this site; fail with what does."""
        end = time.monotonic() + deadline
        while left := self.bystanders():
            assert time.monotonic() < end, left
            time.sleep(0.02)

    # --- requorum

    @property
    def environment(self) -> dict[str, str]:
        """Return what requorum's process gets."""
        mine = {
            "PYTHONPATH": str(SOURCE),
            "REQUORUM_STATE_DIR": str(self.state_dir),
            "REQUORUM_ETCD_CACHE": str(self.etcd_cache),
        }
        others = {k: v for k, v in os.environ.items() if not k.startswith("ETCD")}
        return {**others, **mine, **self.env}

    def requorum(self, *words: str, before: Sequence[str] = ()) -> Finished:
        """Run a command to its end; `before` is a command that runs it."""
        done = subprocess.run(
            [*before, sys.executable, "-m", "requorum", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Finished(done.returncode, done.stdout, done.stderr)

    def recover(self, *flags: str, before: Sequence[str] = ()) -> Finished:
        """Run `requorum recover --yes -o json` to its end."""
        return self.requorum(*self._recover_words, *flags, before=before)

    def member(self, verb: str, name: str, *flags: str) -> Finished:
        """Run `requorum member VERB NAME --yes -o json` to its end."""
        return self.requorum(*self.member_words(verb, name), *flags)

    def member_words(self, verb: str, name: str) -> list[str]:
        """Return the words of that command."""
        file = str(self.lab.cluster_file)
        return ["member", verb, name, "-c", file, "--yes", "-o", "json"]

    def start_recover(self, *flags: str) -> "subprocess.Popen[str]":
        """Start it in the background."""
        return self.start_requorum(*self._recover_words, *flags)

    @property
    def _recover_words(self) -> list[str]:
        return ["recover", "-c", str(self.lab.cluster_file), "--yes", "-o", "json"]

    def start_requorum(self, *words: str) -> "subprocess.Popen[str]":
        """Start a command in the background, its output in memory."""
        return subprocess.Popen(
            [sys.executable, "-m", "requorum", *words],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def journal_lines(self) -> list[str]:
        """Return the lines of the newest run's journal; none when there is no run."""
        found = sorted(self.state_dir.glob("runs/*/journal.jsonl"))
        return found[-1].read_text().splitlines() if found else []

    def events(self) -> list[dict[str, Any]]:
        """Return the newest run's events."""
        return [json.loads(line)["event"] for line in self.journal_lines()]

    def rewrite_cluster_file(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the cluster file."""
        described = yaml.safe_load(self.lab.cluster_file.read_text())
        change(described)
        self.lab.cluster_file.write_text(yaml.safe_dump(described, sort_keys=False, width=1000))


def new_site(
    directory: Path,
    *,
    bin_dir: Path,
    etcd_cache: Path,
    members: int = 3,
    tls: TlsFiles | None = None,
    flags: Flags = no_flags,
) -> Site:
    """Describe a cluster in `directory`, which has none yet; nothing is started."""
    names = [f"etcd{number}" for number in range(1, members + 1)]
    ports = iter(free_ports(2 * members))
    lab = Lab(
        directory=directory.resolve(),
        bin_dir=bin_dir.resolve(),
        etcd_version=str(etcd_version(bin_dir / "etcd")),
        token=directory.name,
        members=tuple(
            LabMember(name=name, peer_port=next(ports), client_port=next(ports)) for name in names
        ),
        tls=tls,
    )
    write_lab(lab, SUPERVISOR)
    for name in names:
        (lab.directory / name).mkdir(exist_ok=True)
        argv = [*member_argv(lab, name), *flags(lab, name)]
        (lab.directory / name / "argv.json").write_text(json.dumps(argv))
    return Site(lab=lab, state_dir=lab.directory / "state", etcd_cache=etcd_cache)
