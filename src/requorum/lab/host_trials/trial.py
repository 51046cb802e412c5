"""One crash trial on hosts: crash, recover over SSH, judge."""

import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from requorum.lab.host_trials.crashed import CrashedHosts, crash_hosts
from requorum.lab.host_trials.drawn import HOSTS, DrawnOnHosts
from requorum.lab.host_trials.order import disorder
from requorum.lab.host_trials.record import HostTrialRecord
from requorum.lab.hosts.description import STAND_IN_KEYS, HostLab
from requorum.lab.hosts.stand_in_logs import events
from requorum.lab.oracle import read_promises
from requorum.lab.practice import Connect
from requorum.lab.trials.record import DamageRecord, RecoveryRecord
from requorum.lab.trials.recovery import Recover
from requorum.lab.trials.recovery_tried import recover_and_judge, told


@dataclass(frozen=True, slots=True, kw_only=True)
class HostBench:
    """What a trial works with: hosts of its own that boot, and a directory for the journal."""

    lab: HostLab
    runs_dir: Path
    connect: Connect
    recover: Recover


async def run_host_trial(drawn: DrawnOnHosts, bench: HostBench) -> HostTrialRecord:
    """Run it. What goes wrong before there is a crash to recover from is the record's `error`."""
    began = time.monotonic()
    record = HostTrialRecord(
        seed=drawn.seed,
        version=bench.lab.etcd_version,
        members=HOSTS,
        writers=drawn.writers,
        snapshot_count=drawn.snapshot_count,
        load_seconds=round(drawn.cut_at, 3),
        style=drawn.style,
    )
    try:
        crashed = await crash_hosts(drawn, bench.lab, bench.connect)
        record = record.model_copy(update=await _after(crashed, bench))
    except Exception as error:  # noqa: BLE001  # a traceback is a finding, and the next trial waits
        record = record.model_copy(update={"error": told(error)})
    return record.model_copy(update={"seconds": round(time.monotonic() - began, 3)})


async def _after(crashed: CrashedHosts, bench: HostBench) -> dict[str, object]:
    """Return the fields of the record that tell what became of the crash."""
    began = Decimal(str(time.time()))
    recovery = await recover_and_judge(
        crashed, recover=bench.recover, runs_dir=bench.runs_dir, connect=bench.connect
    )
    found: dict[str, object] = {
        "acknowledged": read_promises(bench.lab.acks).acknowledged,
        "damages": tuple(
            DamageRecord(kind=d.kind, member=d.member, said=d.said) for d in crashed.inflicted
        ),
        "recovery": recovery,
        "beside": len(crashed.beside),
    }
    if recovery.outcome == "recovered":
        found["beside_lost"] = await _lost_beside(crashed, recovery, bench.connect)
        if recovery.path == "rescue":  # a plain start leaves the clients running
            logged = events(bench.lab)
            found["disorder"] = tuple(disorder(logged, since=began, hosts=HOSTS))
    return found


async def _lost_beside(crashed: CrashedHosts, recovery: RecoveryRecord, connect: Connect) -> int:
    """Count the stand-ins' acknowledged writes that are missing through a healthy member."""
    member = next(name for name, healthy in recovery.healthy.items() if healthy)
    etcd = connect(crashed.lab.client_url(member))
    first = STAND_IN_KEYS.encode()
    end = first[:-1] + bytes([first[-1] + 1])
    try:
        found = await etcd.get(first, range_end=end, keys_only=True, deadline=10)
    finally:
        await etcd.close()
    return len(crashed.beside - {kv.key for kv in found.kvs})
