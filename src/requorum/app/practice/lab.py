"""The use cases behind `requorum lab`."""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from requorum.app.results import Result
from requorum.app.settings import Settings
from requorum.app.wiring import connector, tls_material
from requorum.domain.cluster import Tls
from requorum.errors import RequorumError, ToolUnfit, UsageError
from requorum.facts.live import Connect
from requorum.lab import practice
from requorum.lab.binaries import obtain
from requorum.lab.damage.copies import keep_copies
from requorum.lab.damage.inflict import inflict
from requorum.lab.damage.kinds import DamageKind
from requorum.lab.layout import Lab, read_lab
from requorum.lab.load import Load, LoadTotals
from requorum.lab.obtain.wanted import NotHad, Obtained
from requorum.lab.oracle import LostKey, Verdict, verdict

KINDS = ", ".join(DamageKind)
READY_DEADLINE = 60.0
SHOWN_OF_A_KIND = 10

start_member = practice.start_member
stop_member = practice.stop_member
member_running = practice.member_running
status = practice.status
down = practice.down


class Count(Result):
    """How many acknowledged writes there are, and which of them the cluster does not have.

    `foreign` keys are there though no load wrote them: somebody else did, or they came with the
    data of another cluster. `shown` has the first findings of each kind in words.
    """

    acknowledged: int
    lost: int
    foreign: int
    clean: bool
    shown: tuple[str, ...]

    @classmethod
    def of(cls, found: Verdict) -> "Count":
        """Return the count with its first findings in words."""
        return cls(
            acknowledged=found.acknowledged,
            lost=found.lost_count,
            foreign=len(found.foreign),
            clean=found.clean,
            shown=tuple(line for lines in _findings(found) for line in _first(lines)),
        )


def _findings(found: Verdict) -> Iterator[list[str]]:
    """Yield what was found, kind by kind."""
    yield [f"{k.key}: expected {k.expected}, found {k.found}" for k in _lost_keys(found)]
    yield [f"lease {lease.id:x} is gone" for lease in found.missing_leases]
    yield [f"{key} is foreign: no load wrote it" for key in found.foreign]
    yield [f"{r.key}: revision {r.acknowledged} became {r.found}" for r in found.out_of_order]
    yield [f"{t.put}, {t.delete}: a transaction was applied by half" for t in found.torn]
    yield [*found.contradictions]


def _first(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:SHOWN_OF_A_KIND]
    if len(lines) > SHOWN_OF_A_KIND:
        yield f"and {len(lines) - SHOWN_OF_A_KIND} more like these"


def _lost_keys(found: Verdict) -> tuple[LostKey, ...]:
    return (*found.missing, *found.wrong_value, *found.resurrected)


def connect_to(lab: Lab) -> Connect:
    """Return what makes clients for a practice cluster."""
    if lab.tls is None:
        return connector(None, None)
    files = Tls(cacert=str(lab.tls.cacert), cert=str(lab.tls.cert), key=str(lab.tls.key))
    return connector(tls_material(files), None)


def obtained(version: str, say: Callable[[str], None]) -> Obtained:
    """Get etcd binaries of a version; ToolUnfit names every way that was tried."""
    found = obtain(version, Settings.from_environment().etcd_cache, say)
    if isinstance(found, NotHad):
        raise ToolUnfit(str(found), hint="Put etcd and its tools on PATH, or install go.")
    return found


def up(directory: Path, *, members: int, version: str, say: Callable[[str], None]) -> Lab:
    """Make a practice cluster and wait until it serves."""
    lab = practice.up(directory, bin_dir=obtained(version, say).directory, members=members)
    asyncio.run(practice.wait_ready(lab, connect_to(lab), deadline=READY_DEADLINE))
    return lab


async def load(directory: Path, *, writers: int, seconds: float, seed: int) -> LoadTotals:
    """Write for some time. Earlier copies of the data are kept first, for `stale-copy`."""
    lab = read_lab(directory)
    await asyncio.to_thread(keep_copies, lab)
    work = Load(lab.client_urls, connect_to(lab), lab.acks, writers=writers, seed=seed)
    asyncio.get_running_loop().call_later(seconds, work.stop)
    return await work.run()


async def crash(
    directory: Path, *, names: Sequence[str] | None, damages: Sequence[str], seed: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Kill and damage; return who was killed, and what was done to whom."""
    lab = read_lab(directory)
    wanted = [_damage(lab, text) for text in damages]
    killed = practice.crash(directory, names)
    rng = random.Random(seed)  # noqa: S311  # repeatable on purpose
    done = [
        f"{kind}:{name}: {await inflict(kind, lab, name, rng, connect=connect_to(lab))}"
        for kind, name in wanted
    ]
    return killed, tuple(done)


def _damage(lab: Lab, text: str) -> tuple[DamageKind, str]:
    kind, colon, name = text.partition(":")
    if not colon or kind not in set(DamageKind):
        raise UsageError(f"{text!r} is not KIND:MEMBER", hint=f"Kinds are {KINDS}.")
    return DamageKind(kind), lab.member(name).name


async def count(directory: Path) -> Count:
    """Compare what was acknowledged with what the cluster returns."""
    lab = read_lab(directory)
    trouble: RequorumError | None = None
    for url in lab.client_urls:
        etcd = connect_to(lab)(url)
        try:
            return Count.of(await verdict(lab.acks, etcd))
        except RequorumError as error:
            trouble = error
        finally:
            await etcd.close()
    raise trouble or UsageError("the practice cluster has no members")
