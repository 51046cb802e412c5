"""Files of real members, with all in them that etcd can put there; and what they answered."""

import asyncio
import random
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from running_etcd import RunningEtcd, start

from requorum.clients.etcd import rpc_pb2 as pb
from requorum.clients.etcd import rpcs
from requorum.clients.etcd.client import EtcdClient, connect
from requorum.errors import EtcdError
from requorum.formats.backend import BackendState, read_backend
from requorum.formats.bbolt.bucket import Database
from requorum.formats.source import BufferSource
from requorum.ports.etcd import DeleteOp, PutOp

DEADLINE = 20.0
QUOTA = 12 << 20
SIZES = (0, 1, 7, 100, 1000, 4000, 4096, 9000, 70_000)
"""Values of none to many overflow pages; one of a megabyte is added to them."""

ROOT, APP = "root:open-sesame", "app:let-me-in"
ATTEMPTS = 5


@dataclass(frozen=True)
class Answer:
    """What a member answered to HashKV at a revision."""

    hash: int
    compact_revision: int
    revision: int


@dataclass
class Recorded:
    """The files of one minor, by name, in `folder`; each one is left as etcd wrote it.

    `empty`, `uncompacted`, `compacted` and `everything` were saved one after the other from one
    member, `member` is its db after it was stopped. `interrupted` was saved and `killed` is what
    was left while a compaction was under way. `bumped` was restored with a bumped revision; it
    is missing where that release cannot.
    """

    minor: str
    bin_dir: Path
    folder: Path
    files: dict[str, Path] = field(default_factory=dict)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    """File name → answers that the member gave while it held just what the file holds."""
    at_compactions: list[tuple[Path, Answer]] = field(default_factory=list)
    """A file saved just before a compaction, and the answer just after it, at its revision."""
    resumed: str = ""
    """What the killed member logged when it was started again."""

    def state(self, name: str) -> BackendState:
        """Return what our reader says of a file."""
        return read_backend(Database(BufferSource(self.files[name].read_bytes())))


def record(bin_dir: Path, minor: str, folder: Path) -> Recorded:
    """Run one member after the other and keep what they leave."""
    recorded = Recorded(minor, bin_dir, folder)
    asyncio.run(_record_everything(recorded))
    for attempt in range(ATTEMPTS):
        if _record_interrupted(recorded, attempt):
            break
    else:
        raise AssertionError(f"{ATTEMPTS} members finished their compactions before the kill")
    _record_bumped(recorded)
    return recorded


async def _record_everything(recorded: Recorded) -> None:
    etcd = _start(recorded, "everything", f"--quota-backend-bytes={QUOTA}")
    client = connect(etcd.url, tls=None, credentials=None)
    rng = random.Random(recorded.minor)
    try:
        _save(recorded, etcd, "empty")
        await _write(client, rng, 90)
        await _ask(recorded, client, "uncompacted", rng)
        _save(recorded, etcd, "uncompacted")
        for _ in range(3):
            await _compact(recorded, etcd, client)
            await _write(client, rng, 20)
        await _write(client, rng, 60)
        await _ask(recorded, client, "compacted", rng)
        _save(recorded, etcd, "compacted")
        await _add_the_rest(etcd, client, rng)
        _save(recorded, etcd, "everything", "--user", ROOT)
    finally:
        await client.close()
        _stop(etcd)
    _keep(recorded, etcd, "member")


async def _write(client: EtcdClient, rng: random.Random, transactions: int) -> None:
    """Write transactions of puts and deletions; some keys get a lease."""
    lease = await client.grant_lease(3600, deadline=DEADLINE)
    for _ in range(transactions):
        numbers = rng.sample(range(60), rng.randint(1, 8))
        ops: list[PutOp | DeleteOp] = [_change(rng, number, lease) for number in numbers]
        await client.txn([], ops, [], deadline=DEADLINE)


def _change(rng: random.Random, number: int, lease: int) -> PutOp | DeleteOp:
    key = f"/registry/{'pods' if number % 3 else 'secrets'}/ns{number % 5}/{number}".encode()
    if rng.random() < 0.2:
        return DeleteOp(key)
    value = rng.randbytes(rng.choice(SIZES[:6]) if rng.random() < 0.95 else rng.choice(SIZES))
    return PutOp(key, value, lease if rng.random() < 0.1 else 0)


async def _ask(recorded: Recorded, client: EtcdClient, name: str, rng: random.Random) -> None:
    """Ask at thirty random revisions above the compaction, the first, and the current one."""
    current = await client.hash_kv(0, deadline=DEADLINE)
    last = (await client.get(b"x", deadline=DEADLINE)).header.revision
    reach = range(max(current.compact_revision, 0) + 1, last + 1)
    revisions = {reach[0], last, *rng.sample(reach, 32)}
    recorded.answers[name] = [await _hash(client, revision) for revision in sorted(revisions)]


async def _hash(client: EtcdClient, revision: int) -> Answer:
    found = await client.hash_kv(revision, deadline=DEADLINE)
    return Answer(found.hash, found.compact_revision, revision)


async def _compact(recorded: Recorded, etcd: RunningEtcd, client: EtcdClient) -> None:
    """Compact at the current revision; ask at just that revision before and after."""
    before = _save(recorded, etcd, f"before-compaction-{len(recorded.at_compactions)}")
    revision = (await client.get(b"x", deadline=DEADLINE)).header.revision
    await client.compact(revision, physical=True, deadline=DEADLINE)
    await client.put(PutOp(b"/later", b""), deadline=DEADLINE)
    try:
        answer = await _hash(client, revision)
    except EtcdError as error:
        # Old releases answer above the compact revision only.
        assert "compacted" in error.message  # noqa: PT017 - it is no test that expects it
        return
    recorded.at_compactions.append((before, answer))


async def _add_the_rest(etcd: RunningEtcd, client: EtcdClient, rng: random.Random) -> None:
    """Add a learner, a removed member, alarms, users and roles; auth is on from then on."""
    added = etcd.etcdctl("member", "add", "gone", "--learner", "--peer-urls=http://127.0.0.1:1")
    etcd.etcdctl("member", "remove", re.findall(r"Member +([0-9a-f]+) added", added)[0])
    etcd.etcdctl("member", "add", "slow", "--learner", "--peer-urls=http://127.0.0.1:2")
    await client.put(PutOp(b"/large", rng.randbytes(1 << 20)), deadline=DEADLINE)
    etcd.etcdctl("role", "add", "reader")
    etcd.etcdctl("role", "grant-permission", "--prefix=true", "reader", "read", "/registry/")
    etcd.etcdctl("role", "grant-permission", "reader", "readwrite", "/one")
    etcd.etcdctl("role", "add", "root")
    for user in (ROOT, APP):
        etcd.etcdctl("user", "add", user)
    etcd.etcdctl("user", "grant-role", "root", "root")
    etcd.etcdctl("user", "grant-role", "app", "reader")
    await _fill_until_refused(client, rng)
    corrupt = pb.AlarmRequest(
        action=pb.AlarmRequest.ACTIVATE, memberID=0x1234, alarm=pb.AlarmType.CORRUPT
    )
    etcd.etcdctl("auth", "enable")
    root = connect(etcd.url, tls=None, credentials=tuple(ROOT.split(":")))
    try:
        await root._call(rpcs.ALARM, corrupt, deadline=DEADLINE)
    finally:
        await root.close()


async def _fill_until_refused(client: EtcdClient, rng: random.Random) -> None:
    for number in range(2 * QUOTA >> 20):
        try:
            await client.put(PutOp(b"/fill/%d" % number, rng.randbytes(1 << 20)), deadline=DEADLINE)
        except EtcdError as error:
            assert "database space exceeded" in error.message  # noqa: PT017 - it is no test
            return
    raise AssertionError("the quota was never reached")


def _record_interrupted(recorded: Recorded, attempt: int) -> bool:
    """Kill a member while it compacts; return whether what it left is so."""
    slow = "--compaction-batch-limit=1"
    if recorded.minor in ("3.4", "3.5"):
        slow = "--experimental-compaction-batch-limit=1"
    etcd = _start(recorded, f"interrupted-{attempt}", slow)
    try:
        asyncio.run(_begin_compaction(etcd))
        _save(recorded, etcd, "interrupted")
    finally:
        etcd.kill()
    _keep(recorded, etcd, "killed")
    recorded.resumed = _log_of_a_start(recorded, etcd.data_dir)
    return all(
        (state.scheduled_compact_revision or 0) > (state.finished_compact_revision or 0)
        for state in (recorded.state("interrupted"), recorded.state("killed"))
    )


async def _begin_compaction(etcd: RunningEtcd) -> None:
    client = connect(etcd.url, tls=None, credentials=None)
    try:
        await client.put(PutOp(b"k", b"0"), deadline=DEADLINE)
        await client.compact(2, physical=True, deadline=DEADLINE)
        for number in range(40):
            ops = [PutOp(b"/over/%d" % n, b"%d" % number) for n in range(50)]
            await client.txn([], ops, [], deadline=DEADLINE)
        await client.compact(41, physical=False, deadline=DEADLINE)
    finally:
        await client.close()


def _log_of_a_start(recorded: Recorded, data_dir: Path) -> str:
    """Start a member on a copy of the killed one's directory; return what it logs until it serves.

    It gets other ports than it had, which changes nothing for a cluster of one.
    """
    folder = recorded.folder / f"resumed-{data_dir.parent.name}"
    shutil.copytree(data_dir, folder / "data")
    etcd = start(recorded.bin_dir.name, folder, (), "http")
    etcd.kill()
    return (folder / "log").read_text(encoding="utf-8")


def _record_bumped(recorded: Recorded) -> None:
    tool = recorded.bin_dir / ("etcdctl" if recorded.minor == "3.4" else "etcdutl")
    command = [str(tool), "snapshot", "restore", str(recorded.files["everything"])]
    target = recorded.folder / "bumped"
    done = subprocess.run(
        [*command, f"--data-dir={target}", "--bump-revision=1000000", "--mark-compacted"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip  # one call
    if "unknown flag: --bump-revision" in done.stderr:
        return
    assert done.returncode == 0, done.stderr
    recorded.files["bumped"] = target / "member" / "snap" / "db"


def _start(recorded: Recorded, name: str, *flags: str) -> RunningEtcd:
    folder = recorded.folder / name
    folder.mkdir()
    return start(recorded.bin_dir.name, folder, flags, "http")


def _stop(etcd: RunningEtcd) -> None:
    """Stop it in order, so that all is committed to the db."""
    etcd.process.terminate()
    try:
        etcd.process.wait(DEADLINE)
    finally:
        etcd.kill()


def _save(recorded: Recorded, etcd: RunningEtcd, name: str, *options: str) -> Path:
    path = recorded.folder / f"{name}.db"
    path.unlink(missing_ok=True)
    etcd.etcdctl(*options, "snapshot", "save", str(path))
    recorded.files[name] = path
    return path


def _keep(recorded: Recorded, etcd: RunningEtcd, name: str) -> None:
    path = recorded.folder / f"{name}.db"
    shutil.copyfile(etcd.data_dir / "member" / "snap" / "db", path)
    recorded.files[name] = path
