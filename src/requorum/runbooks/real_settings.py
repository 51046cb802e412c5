"""What members really run with, in a plan: contradictions are refused, what bites is changed."""

from collections.abc import Collection, Mapping, Sequence

from requorum.domain.cluster import MemberSpec
from requorum.domain.member_settings import MemberSettings
from requorum.errors import DamagedInput, Refused
from requorum.facts.configured_member import Configurations
from requorum.runbooks.member_settings import change_settings_step
from requorum.runbooks.steps.world import World
from requorum.workflow.step import Step

DIRECTORIES = frozenset({"data_dir", "wal_dir"})
"""What must agree for a start: another directory holds other data than what was looked at."""

ALL_FIELDS = DIRECTORIES | {"name", "peer_url"}
"""What must agree for data to be exchanged: a member is restored under its name and peer URL."""


def refuse_contradictions(
    members: Sequence[MemberSpec], configured: Configurations, fields: Collection[str]
) -> tuple[str, ...]:
    """Refuse where the cluster file and a member disagree on these; return warnings of the rest."""
    refused: list[str] = []
    warnings: list[str] = []
    for member in members:
        known = configured.known.get(member.name)
        for found in known.contradictions if known else ():
            (refused if found.field in fields else warnings).append(f"{member.name}: {found}")
        if member.name in configured.unknown:
            warnings.append(
                f"{configured.unknown[member.name]}: what the cluster file says of it is taken"
            )
    if refused:
        raise Refused(
            "; ".join(refused),
            hint="Correct the cluster file, or the member's own settings: see `requorum inspect "
            "member`. Acting on one of them would leave the other with other data.",
        )
    return tuple(warnings)


def settings_steps(
    members: Sequence[MemberSpec],
    configured: Configurations,
    membership: Mapping[str, str] | None = None,
) -> tuple[list[Step[World]], tuple[str, ...]]:
    """Return the steps that change what would bite at a start, now or later; and warnings.

    `membership`, name → peer URL, is what the cluster will have; None where that does not change.
    Refused where a member would start with force-new-cluster and that cannot be changed.
    """
    steps: list[Step[World]] = []
    warnings: list[str] = []
    for member in members:
        known = configured.known.get(member.name)
        if known is None:
            continue
        wanted = _biting(known.configuration.settings, membership)
        reason = "; ".join(_REASONS[flag] for flag in wanted)
        try:
            step = change_settings_step(member, known.configuration, wanted, reason=reason)
        except DamagedInput as error:
            said = f"{', '.join(wanted)} of {member.name} must be changed by hand: {error.message}"
            if "force-new-cluster" in wanted:
                raise Refused(said, hint="Change it, then plan anew.") from error
            warnings.append(said)
            continue
        steps += [step] if step else []
    return steps, tuple(warnings)


_REASONS = {
    "force-new-cluster": "at every start it would make this member forget all others",
    "initial-cluster": "it names other members than the cluster will have, and etcd reads it again "
    "once this member's data is lost",
}


def _biting(settings: MemberSettings, membership: Mapping[str, str] | None) -> dict[str, str]:
    """Return the flags to be changed, with their new values."""
    wanted: dict[str, str] = {}
    if settings.force_new_cluster:
        wanted["force-new-cluster"] = "false"
    if membership is not None and not _agrees(settings, membership):
        wanted["initial-cluster"] = ",".join(f"{n}={url}" for n, url in membership.items())
    return wanted


def _agrees(settings: MemberSettings, membership: Mapping[str, str]) -> bool:
    """Return whether initial-cluster has these members; each may have more URLs there."""
    if not settings.initial_cluster:
        return True  # the member asks a discovery service
    pairs = {
        (name, url.rstrip("/"))
        for name, _, url in (pair.partition("=") for pair in settings.initial_cluster.split(","))
    }
    wanted = {(name, url.rstrip("/")) for name, url in membership.items()}
    return {name for name, _ in pairs} == set(membership) and wanted <= pairs
