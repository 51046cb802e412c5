"""The other usual way: etcd's own --force-new-cluster, on the member that committed the most.

Where that one does not start, the next one is tried, as an operator would.
"""

from requorum.errors import DamagedInput, RequorumError
from requorum.formats.source import BufferSource
from requorum.inspection.database import examine_database
from requorum.lab.layout import Lab
from requorum.lab.own_log import read_wal
from requorum.lab.practice import Connect, crash, start_members, wait_ready

_READY_SECONDS = 30.0


async def force_new_cluster(lab: Lab, connect: Connect) -> str:
    """Start one member of `lab`, which is down, as a cluster of its own; return its name.

    DamagedInput, with each one's trouble, where none of them serves.
    """
    commits = {n: persisted_commit(lab, n) for n in lab.names if lab.data_dir(n).is_dir()}
    troubles = []
    for name in sorted(commits, key=lambda n: -commits[n]):
        alone = lab.model_copy(
            update={
                "members": (lab.member(name),),
                "extra_flags": (*lab.extra_flags, "--force-new-cluster"),
            }
        )
        try:
            start_members(alone, [name])
            await wait_ready(alone, connect, deadline=_READY_SECONDS)
        except RequorumError as error:
            crash(lab.directory, [name])
            troubles.append(f"{name}: {error}")
        else:
            return name
    raise DamagedInput("no member starts with --force-new-cluster: " + "; ".join(troubles))


def persisted_commit(lab: Lab, name: str) -> int:
    """Return the highest index that this member's files know as committed, 0 when none does.

    It is in the WAL's last HardState, or in the database as its consistent index.
    """
    log = read_wal(lab, name)
    database = lab.data_dir(name) / "member" / "snap" / "db"
    applied = (
        examine_database(BufferSource(database.read_bytes())).index if database.is_file() else 0
    )
    return max(log.commit if log else 0, applied)
