"""Three hosts with a large database whose power was cut under load, and damaged: once for all."""

import asyncio
import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.big_cluster import QUOTA_BYTES, fill
from requorum.app.practice.host_lab import connect_to, up
from requorum.lab.choices import PUTS
from requorum.lab.damage.kinds import DamageKind
from requorum.lab.damage.sparse import copy_tree_sparse
from requorum.lab.hosts.description import STAND_IN_KEYS, HostLab, Wanted
from requorum.lab.hosts.faults import damage, keep_from_starting
from requorum.lab.hosts.machine import cut_power, inside
from requorum.lab.hosts.readiness import wait_ssh, wait_up
from requorum.lab.hosts.whole_lab import boot_all, down
from requorum.lab.load import Load
from requorum.lab.oracle import read_promises
from requorum.lab.trials.judged import Judged, judge_through

SERVE_SECONDS = 120


class BigHosts:
    """The hosts after the crash, and a copy of their data, to start each run from the same."""

    def __init__(self, directory: Path, megabytes: int) -> None:
        settings = {"quota-backend-bytes": str(QUOTA_BYTES)}
        wanted = Wanted(etcd="3.5", etcd_settings=settings)
        self.lab, _ = up(directory, wanted, print)
        asyncio.run(self._fill_and_cut(megabytes))
        rng = random.Random(1)  # noqa: S311  # the same damage in every run
        damage(self.lab, "node1", DamageKind.LOST_DISK, rng)
        damage(self.lab, "node2", DamageKind.WAL_RECORD_FLIPPED, rng)
        keep_from_starting(self.lab, self.lab.names)
        self._kept = directory / "kept"
        for host in self.lab.hosts:
            place = self._data(host.name)
            if place.exists():
                copy_tree_sparse(place, self._kept / host.name)
        boot_all(self.lab)
        wait_ssh(self.lab, self.lab.names, deadline=SERVE_SECONDS)

    def _data(self, name: str) -> Path:
        host = self.lab.host(name)
        return host.root_dir / host.data_dir.lstrip("/")

    async def _fill_and_cut(self, megabytes: int) -> None:
        connect = connect_to(self.lab)
        await fill(connect(self.lab.hosts[0].client_url), megabytes)
        urls = self.lab.client_urls
        load = Load(urls, connect, self.lab.acks, writers=24, seed=1, compact=False, mix=PUTS)
        running = asyncio.create_task(load.run())
        await load.reached(5000, deadline=300)
        await asyncio.to_thread(cut_power, self.lab, self.lab.names)
        load.stop()
        await running

    def put_back(self) -> None:
        """Make every host's data again what the crash left, and forget what a run made."""
        for host in self.lab.hosts:
            inside(self.lab, host.name, ["systemctl", "stop", host.unit], deadline=60)
            data = self._data(host.name)
            root = host.root_dir / "root"
            for made in [*data.parent.glob(f"{data.name}*"), *root.glob("snapshot.db")]:
                if made.is_dir():
                    shutil.rmtree(made)
                else:
                    made.unlink()
            if (self._kept / host.name).exists():
                copy_tree_sparse(self._kept / host.name, data)
            inside(self.lab, host.name, ["systemctl", "start", "kube-apiserver", "kubelet"])
        os.sync()

    def wait_serving(self) -> None:
        """Wait until every member serves."""
        asyncio.run(wait_up(self.lab, connect_to(self.lab), deadline=SERVE_SECONDS))

    @property
    def acknowledged(self) -> int:
        """Return how many writes of the load were acknowledged before the power was cut."""
        return read_promises(self.lab.acks).acknowledged

    def judged(self) -> Judged:
        """Judge what is there now, by what the writers were promised; the filling is not judged."""
        connect = connect_to(self.lab)
        return asyncio.run(judge_through(_Written(self.lab), "etcd1", connect, ()))

    def close(self) -> None:
        """Take the hosts down and remove them."""
        down(self.lab.directory, remove=True)


@dataclass(frozen=True)
class _Written:
    """The lab, as the oracle sees it: the filling and the stand-ins' keys are others'."""

    lab: HostLab
    beside: tuple[str, ...] = (STAND_IN_KEYS, "fill/")

    @property
    def acks(self) -> Path:
        return self.lab.acks

    def client_url(self, name: str) -> str:
        return self.lab.client_url(name)
