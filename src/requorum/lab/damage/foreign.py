"""A data directory of another cluster in a member's place, under the member's own name and URL."""

import random

from requorum.lab.damage.graveyard import bury, dig
from requorum.lab.layout import Lab
from requorum.lab.practice import Connect, crash, member_pid, up, wait_ready
from requorum.ports.etcd import PutOp

_READY_SECONDS = 30.0
_PUT_SECONDS = 5.0
_KEYS_MOST = 60


async def put_foreign_directory(lab: Lab, name: str, rng: random.Random, connect: Connect) -> str:
    """Boot a foreign cluster on this member's ports, write `foreign/…` keys, take its data dir.

    It has the member alone, or a member of each name of this lab where all of them are down.
    """
    names = lab.names if rng.random() < 0.5 and _all_down(lab) else (name,)
    foreign = up(
        dig(lab, name) / "foreign",
        bin_dir=lab.bin_dir,
        members=names,
        ports=[port for other in names for port in _ports(lab, other)],
        extra_flags=lab.extra_flags,
        token=f"foreign-{rng.randbytes(4).hex()}",
        tls=lab.tls,
    )
    try:
        await wait_ready(foreign, connect, deadline=_READY_SECONDS)
        keys = await _write_keys(foreign, name, rng, connect)
    finally:
        # Killed, not stopped: a leader that is to leave looks for a successor for seconds.
        crash(foreign.directory)
    data_dir = lab.data_dir(name)
    if data_dir.exists():
        bury(lab, name, data_dir)
    foreign.data_dir(name).rename(data_dir)
    return f"{data_dir}: replaced by one of a foreign cluster of {len(names)} with {keys} keys"


def _all_down(lab: Lab) -> bool:
    return not any(member_pid(lab, name) for name in lab.names)


def _ports(lab: Lab, name: str) -> tuple[int, int]:
    member = lab.member(name)
    return member.peer_port, member.client_port


async def _write_keys(foreign: Lab, name: str, rng: random.Random, connect: Connect) -> int:
    etcd = connect(foreign.client_url(name))
    count = rng.randint(1, _KEYS_MOST)
    try:
        for number in range(count):
            key = f"foreign/{number:04d}".encode()
            await etcd.put(PutOp(key, rng.randbytes(100)), deadline=_PUT_SECONDS)
    finally:
        await etcd.close()
    return count
