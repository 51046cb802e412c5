"""`requorum member furnish`: a new machine of an old name gets what makes it a member's."""

from collections.abc import Mapping
from dataclasses import dataclass

from requorum.domain.cluster import Cluster, MemberSpec, SystemdService
from requorum.domain.units import binary_size
from requorum.errors import Refused
from requorum.facts.host_files import FoundFile, HostFiles
from requorum.runbooks.exchange_data import RecoveryPlan
from requorum.runbooks.join import plan_of
from requorum.runbooks.recover import NothingToDo
from requorum.runbooks.steps.furnish import CopiedFile, CopyFiles, EnableUnit
from requorum.runbooks.steps.world import World
from requorum.workflow.step import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class FurnishFacts:
    """The machine that serves and the new one: files, words that differ, whether it is enabled."""

    source: MemberSpec
    files: HostFiles
    words: Mapping[str, str]
    running: bool
    enabled: bool


def plan_furnishing(cluster: Cluster, facts: FurnishFacts, name: str) -> RecoveryPlan | NothingToDo:
    """Return the plan; Refused where the member runs, or a named file is nowhere."""
    spec, source = cluster.member(name), facts.source
    if facts.running:
        raise Refused(
            f"{name} runs on {spec.host}",
            hint="Its files are not exchanged under it. Stop it first, if its machine is new.",
        )
    if facts.files.missing:
        raise Refused(
            f"not on the machine of {source.name}: {', '.join(facts.files.missing)}",
            hint="Correct `files` in the cluster file.",
        )
    lacking = [file for file in facts.files.found if not file.there]
    enable = isinstance(spec.service, SystemdService) and not facts.enabled
    if not lacking and not enable:
        return NothingToDo(summary=(f"the machine of {name} has all {len(facts.files.found)}",))
    steps: list[Step[World]] = []
    if lacking:
        steps.append(_copy(spec, source, facts, lacking))
    if enable and isinstance(spec.service, SystemdService):
        steps.append(_enable(spec, spec.service.unit))
    told = (
        f"the machine of {name} lacks {len(lacking)} of {len(facts.files.found)} files and "
        f"folders; {source.name} serves and has them"
    )
    return plan_of(
        "furnish",
        (told,),
        _warnings(name, source, facts.files),
        (),
        steps,
    )


def _copy(
    spec: MemberSpec, source: MemberSpec, facts: FurnishFacts, lacking: list[FoundFile]
) -> CopyFiles:
    size = binary_size(sum(file.size for file in lacking))
    words = {old: new for old, new in facts.words.items() if old != new}
    adapting = any(file.adapt for file in lacking)
    exchanged = ", ".join(f"{old} by {new}" for old, new in words.items())
    return CopyFiles(
        host=spec.host,
        title=f"copy {len(lacking)} files and folders, {size}, from {source.host}: "
        + ", ".join(map(_told, lacking)),
        reason="with their owners and modes; each is compared by its SHA-256, and contents are "
        "kept nowhere else" + (f"; where adapted, {exchanged}" if adapting else ""),
        risk="what is in the way is renamed",
        source=source.name,
        member=spec.name,
        words=words,
        files=tuple(
            CopiedFile(
                path=file.path,
                target=file.target,
                is_folder=file.is_folder,
                adapt=file.adapt,
                mode=file.mode,
                owner=file.owner,
                group=file.group,
                digest=file.digest,
                wanted=file.wanted,
            )
            for file in lacking
        ),
    )


def _told(file: FoundFile) -> str:
    moved = f" as {file.target}" if file.target != file.path else ""
    return file.path + moved + (" (adapted)" if file.adapt else "")


def _enable(spec: MemberSpec, unit: str) -> EnableUnit:
    return EnableUnit(
        host=spec.host,
        title=f"enable {unit}",
        reason="it starts with the host from now on; it is not started yet",
        member=spec.name,
        unit=unit,
    )


def _warnings(name: str, source: MemberSpec, files: HostFiles) -> list[str]:
    if not files.left_out:
        return []
    told = (
        f"private keys in folders are left out, for they may be those of {source.name} alone: "
        f"{', '.join(files.left_out)}. {name} needs its own; name in `files` those that all share"
    )
    return [told]
