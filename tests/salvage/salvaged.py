"""`requorum salvage` as a user calls it, and its result in the hands of real etcd."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from command_line import requorum
from crashed_cluster import Connect, as_root

from requorum.app.practice.salvage_trials import claims_of
from requorum.app.salvage.results import SalvageResult
from requorum.formats.mvcc import Revision
from requorum.lab.oracle import LostKey, RevisionRange, Verdict, collect, judge
from requorum.lab.promises import Promises
from requorum.lab.salvage_trials.evidence import find_evidence
from requorum.lab.salvage_trials.judged import Case, Judged
from requorum.lab.salvage_trials.judged import judge as judge_records
from requorum.lab.salvage_trials.recorded import Recorded, SmallRows
from requorum.lab.salvage_trials.result_file import ResultFile
from requorum.lab.salvage_trials.served import served_otherwise, serving
from requorum.lab.salvage_trials.truth import Written
from requorum.ports.etcd import HashKv


@dataclass(frozen=True)
class Salvaged:
    """The new file, and what was said of it."""

    path: Path
    said: SalvageResult
    file: ResultFile

    @property
    def lost(self) -> tuple[RevisionRange, ...]:
        """Return the ranges of revisions of which something is said to be lost."""
        return tuple((r.first_revision, r.last_revision) for r in self.said.lost)


def salvage(paths: Iterable[Path], output: Path, *options: str, code: int = 0) -> Salvaged:
    """Salvage; it must end with `code`."""
    words = ["salvage", *map(str, paths), "-o", str(output), *options, "--format", "json"]
    done = requorum(*words, cwd=output.parent)
    assert done.returncode == code, done.stderr + done.stdout[:4000]
    said = SalvageResult.model_validate_json(done.stdout)
    return Salvaged(output, said, ResultFile(output.read_bytes()))


def judged(salvaged: Salvaged, recorded: Recorded, damaged: Mapping[str, Path]) -> Judged:
    """Hold it against what the damaged directories still prove; nothing may be wrong with it."""
    found = judge_records(
        Case(
            truth=recorded.truth,
            committed=recorded.committed,
            rows=_rows(recorded, auth_enabled=salvaged.said.auth_enabled),
            evidence=find_evidence(recorded, damaged),
            result=salvaged.file,
            claims=claims_of(salvaged.said),
        )
    )
    assert found.failures == ()
    return found


def _rows(recorded: Recorded, *, auth_enabled: bool) -> SmallRows:
    auth = {**recorded.small_rows[b"auth"], b"authEnabled": frozenset({bytes([auth_enabled])})}
    return {**recorded.small_rows, b"auth": auth}


def all_records(recorded: Recorded, *, last: int) -> dict[Revision, Written]:
    """Return all records that etcd has after everything that happened up to a revision."""
    found = recorded.truth.needed_at(recorded.truth.compacted)
    return {at: written for at, written in found.items() if at.main <= last}


def assert_all_records(salvaged: Salvaged, recorded: Recorded) -> None:
    """Assert that a file holds what can have been acknowledged, and nothing that never was.

    Behind that the log that is lost may have had more: entries that no other member knew of.
    """
    revisions = recorded.truth.revision_of.items()
    acknowledged = max(revision for index, revision in revisions if index <= recorded.committed)
    assert salvaged.said.revision >= acknowledged
    assert salvaged.file.records == all_records(recorded, last=salvaged.said.revision)


def serve(
    salvaged: Salvaged,
    promises: Promises,
    directory: Path,
    *,
    bin_dirs: Mapping[str, Path],
    connect: Connect = as_root,
) -> list[Verdict]:
    """Let each version restore the file with its own tool, boot it, and count what was promised.

    Every key, old revisions, the hash and the leases must be as they lie in the file, a put must
    take the next revision, and HashKV be what `inspect db --hashkv` says of the file.
    """
    said = said_hash(salvaged.path)

    async def by_one(version: str, bin_dir: Path) -> Verdict:
        where = directory / version
        async with serving(salvaged.path, where, bin_dir=bin_dir, connect=connect) as etcd:
            found = await collect(etcd, [lease.id for lease in promises.leases])
            assert await etcd.hash_kv(0, deadline=10) == said
            assert await served_otherwise(etcd, salvaged.file, seed=1) == ()
        return judge(promises, found)

    async def by_all() -> list[Verdict]:
        return await asyncio.gather(*(by_one(*each) for each in bin_dirs.items()))

    return asyncio.run(by_all())


def said_hash(path: Path) -> HashKv:
    """Return what `inspect db --hashkv` says of a file."""
    done = requorum("inspect", "db", "--hashkv", str(path), "-o", "json", cwd=path.parent)
    assert done.returncode == 0, done.stderr
    (said,) = json.loads(done.stdout)["files"]
    return HashKv(said["hash"], said["compact_revision"], said["hash_revision"])


def unsaid(verdict: Verdict, ranges: Sequence[RevisionRange]) -> list[LostKey]:
    """Return the keys that lost their last acknowledged write outside of the ranges."""
    lost = (*verdict.missing, *verdict.wrong_value, *verdict.resurrected)
    return [key for key in lost if not _within(key.writes[-1].revision, ranges)]


def _within(revision: int, ranges: Sequence[RevisionRange]) -> bool:
    return any(first <= revision and (last is None or revision <= last) for first, last in ranges)
