"""Whether requorum and etcd's own packages read the same from a log, damaged or not."""

import hashlib
import shutil
import struct
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from wal_oracle import LogOracle, LogVerdict, Question
from whole_logs import member_log, segments_of

from requorum.inspection.member_log import MemberLog


async def compare_log(
    oracle: LogOracle, room: Path, said: Sequence[str]
) -> AsyncIterator[tuple[str, str | None]]:
    """Yield etcd's answer to each question, and what is wrong with ours; None if nothing is.

    `said` is what requorum reports of the directory. Whatever etcd does not take as it is must be
    reported; of what is not reported, etcd must have read the same.
    """
    log = None if said else member_log(room)
    questions: list[Question] = ["boot"]
    if any(path.name.startswith("0" * 16) for path in segments_of(room)):
        questions.append("zero")
    for question in questions:
        copy = room.with_name(f"{room.name}-copy")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(room, copy, symlinks=True)
        verdict = await oracle.ask(question, copy)
        yield f"{question} {verdict.outcome}", _problem(verdict, log, said)


def _problem(verdict: LogVerdict, log: MemberLog | None, said: Sequence[str]) -> str | None:
    if verdict.outcome != "accepted":
        return None if said else f"etcd: {verdict.outcome}: {verdict.text}; we report nothing"
    if log is None:
        return None
    if verdict.undecodable:
        return f"etcd cannot apply the entries {verdict.undecodable}; we report nothing"
    if (len(_behind(log, verdict.start)), _digest(log, verdict.start)) != (
        verdict.entries,
        verdict.digest,
    ):
        return f"etcd reads other entries: {verdict}, we {_behind(log, verdict.start)}"
    if verdict.commit > log.commit:
        return f"etcd reads commit {verdict.commit}, we {log.commit}"
    return None


def _behind(log: MemberLog, start: int) -> list[int]:
    return sorted(index for index in log.entries if index > start)


def _digest(log: MemberLog, start: int) -> str:
    digest = hashlib.sha256()
    for index in _behind(log, start):
        entry = log.entries[index]
        digest.update(struct.pack(">QQQQ", index, entry.term, entry.type, len(entry.data)))
        digest.update(entry.data)
    return digest.hexdigest()
