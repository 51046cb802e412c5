"""What the stand-ins for kubelet and kube-apiserver logged: when they ran, what they wrote."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from requorum.errors import DamagedInput
from requorum.lab.hosts.description import STAND_IN_KEYS, HostLab
from requorum.lab.hosts.units import STAND_INS

_WORDS: frozenset[str] = frozenset({"start", "stop", "fail"})


@dataclass(frozen=True, slots=True, order=True)
class StandInEvent:
    """One line of /var/log/<unit>.order. `time` in s since the epoch, `uptime` in s since boot.

    All hosts share one kernel, and so both clocks: events of different hosts can be compared.
    """

    time: Decimal
    uptime: Decimal
    event: Literal["start", "stop", "fail"]
    unit: str
    host: str

    @classmethod
    def parse(cls, line: str) -> "StandInEvent":
        """Read one line; DamagedInput when it is not one."""
        words = line.split()
        if len(words) != 5 or words[2] not in _WORDS:
            raise DamagedInput(f"{line!r} is not a line of a stand-in's log")
        event: Literal["start", "stop", "fail"] = words[2]  # type: ignore[assignment]
        return cls(Decimal(words[0]), Decimal(words[1]), event, words[3], words[4])


def events(lab: HostLab) -> tuple[StandInEvent, ...]:
    """Return all that the stand-ins of all hosts logged, in order. Disks must be mounted."""
    found = []
    for host in lab.hosts:
        for unit in STAND_INS:
            log = host.root_dir / "var/log" / f"{unit}.order"
            lines = log.read_text(encoding="ascii").splitlines() if log.exists() else []
            found += [StandInEvent.parse(line) for line in lines]
    return tuple(sorted(found))


def acknowledged(lab: HostLab) -> frozenset[bytes]:
    """Return every key that a stand-in wrote and etcd acknowledged. Disks must be mounted.

    A key's value is its last part, a number.
    """
    keys = set()
    for host in lab.hosts:
        for unit in STAND_INS:
            log = host.root_dir / "var/log" / f"{unit}.acked"
            numbers = log.read_text(encoding="ascii").split() if log.exists() else []
            keys |= {f"{STAND_IN_KEYS}{host.name}/{unit}/{n}".encode() for n in numbers}
    return frozenset(keys)
