"""The use case behind `requorum lab host-trials`: crash trials on real hosts, over SSH."""

import asyncio
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from requorum.app.practice.host_lab import connect_to
from requorum.app.practice.recover_by_command import recover_by_command
from requorum.app.practice.trials import obtained, summarise, trial_directory
from requorum.app.settings import Settings
from requorum.lab.host_trials.drawn import HOSTS, DrawnOnHosts, draw_on_hosts
from requorum.lab.host_trials.record import HostTrialRecord
from requorum.lab.host_trials.trial import HostBench, run_host_trial
from requorum.lab.hosts import whole_lab
from requorum.lab.hosts.description import HostLab, Wanted
from requorum.lab.hosts.requirements import demand_parts
from requorum.lab.obtain.wanted import Obtained

__all__ = ["MINORS", "run_host_trials", "summarise"]

MINORS = ("3.4", "3.5", "3.6")

Say = Callable[[str], None]


def run_host_trials(
    seeds: Sequence[int], versions: Sequence[str], keep_failed: Path | None, say: Say
) -> Iterator[HostTrialRecord]:
    """Run one trial after another, each on hosts of its own that are removed after it.

    Refused where hosts cannot run here, ToolUnfit where a version of etcd cannot be had. A trial
    that failed stays below `keep_failed`, in `<seed>`: its hosts are shut down.
    """
    demand_parts()
    settings = Settings.from_environment()
    had = obtained(versions, settings, say)
    for seed in seeds:
        drawn = draw_on_hosts(seed, tuple(had))
        yield _run_one(drawn, had[drawn.version], keep_failed, settings, say)


def _run_one(
    drawn: DrawnOnHosts, etcd: Obtained, keep_failed: Path | None, settings: Settings, say: Say
) -> HostTrialRecord:
    directory = trial_directory(drawn.seed, keep_failed)
    failed = True
    try:
        lab = _hosts_for(drawn, directory / "hosts", etcd, settings, say)
        bench = HostBench(
            lab=lab,
            runs_dir=directory / "runs",
            connect=connect_to(lab),
            recover=recover_by_command,
        )
        record = asyncio.run(run_host_trial(drawn, bench))
        failed = bool(record.failures)
    finally:
        kept = failed and keep_failed is not None
        if (directory / "hosts" / "lock").exists():
            whole_lab.down(directory / "hosts", remove=not kept)
        if not kept:
            shutil.rmtree(directory)
    if not kept:
        return record
    record = record.model_copy(update={"kept": str(directory)})
    (directory / "trial.json").write_text(record.model_dump_json(indent=2), encoding="utf-8")
    return record


def _hosts_for(
    drawn: DrawnOnHosts, directory: Path, etcd: Obtained, settings: Settings, say: Say
) -> HostLab:
    count = drawn.snapshot_count
    wanted = Wanted(
        etcd=drawn.version,
        hosts=HOSTS,
        style=drawn.style,
        etcd_settings={"snapshot-count": str(count)} if count else {},
    )
    return whole_lab.up(directory, wanted, etcd=etcd, image_cache=settings.host_images, say=say)
