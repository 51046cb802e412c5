"""From hosts that boot to hosts whose power was cut, their disks damaged as a trial drew it."""

import asyncio
import random
from dataclasses import dataclass

from requorum.domain.ids import ClusterId
from requorum.errors import Refused
from requorum.lab.host_trials.drawn import DrawnOnHosts
from requorum.lab.hosts.copies import keep_copies
from requorum.lab.hosts.description import HostLab
from requorum.lab.hosts.faults import damage, keep_from_starting
from requorum.lab.hosts.machine import cut_power
from requorum.lab.hosts.readiness import wait_ssh, wait_up
from requorum.lab.hosts.stand_in_logs import acknowledged
from requorum.lab.hosts.whole_lab import boot_all
from requorum.lab.load import Load
from requorum.lab.practice import Connect
from requorum.lab.trials.crashed import Inflicted
from requorum.lab.trials.ended_load import cluster_id_at, load_until
from requorum.lab.trials.usable import usable_files

_UP_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashedHosts:
    """Hosts that run again, without etcd. `beside`: what the stand-ins were promised."""

    lab: HostLab
    cluster_id: ClusterId
    inflicted: tuple[Inflicted, ...]
    beside: frozenset[bytes]

    def usable_files(self) -> tuple[str, ...]:
        """Return what a recovery could use."""
        return usable_files(self.lab, self.lab.names)


async def crash_hosts(drawn: DrawnOnHosts, lab: HostLab, connect: Connect) -> CrashedHosts:
    """Load, cut the power of all at once, damage, boot; etcd is kept from starting by itself.

    Otherwise etcd would go on with a disk that it takes for a new one, and lose writes before
    anybody could recover anything.
    """
    await wait_up(lab, connect, deadline=_UP_SECONDS)
    cluster_id = await cluster_id_at(lab.hosts[0].client_url, connect)
    await _load_until_cut(drawn, lab, connect)
    inflicted = await asyncio.to_thread(_damage, drawn, lab)
    await asyncio.to_thread(keep_from_starting, lab, lab.names)
    beside = acknowledged(lab)
    await asyncio.to_thread(boot_all, lab)
    await asyncio.to_thread(wait_ssh, lab, lab.names, deadline=_UP_SECONDS)
    return CrashedHosts(lab=lab, cluster_id=cluster_id, inflicted=inflicted, beside=beside)


async def _load_until_cut(drawn: DrawnOnHosts, lab: HostLab, connect: Connect) -> None:
    load = Load(
        lab.client_urls,
        connect,
        lab.acks,
        writers=drawn.writers,
        seed=drawn.seed,
        compact=drawn.compact,
    )
    await load_until(
        load,
        copies_at=drawn.copies_at,
        keep_copies=lambda: keep_copies(lab),
        end_at=drawn.cut_at,
        end=lambda: cut_power(lab, lab.names),
    )


def _damage(drawn: DrawnOnHosts, lab: HostLab) -> tuple[Inflicted, ...]:
    rng = random.Random(f"{drawn.seed}/damage")  # noqa: S311  # repeatable on purpose
    return tuple(_first_that_applies(drawn, lab, member, rng) for member, _ in drawn.damages)


def _first_that_applies(
    drawn: DrawnOnHosts, lab: HostLab, member: str, rng: random.Random
) -> Inflicted:
    for kind in dict(drawn.damages)[member]:
        try:
            said = damage(lab, lab.host_of(member).name, kind, rng)
        except Refused:
            continue  # nothing of that kind to be damaged: the next one
        return Inflicted(kind=kind, member=member, said=said)
    raise Refused(f"no kind of damage applies to {member}")
