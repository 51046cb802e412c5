"""What an operator should know of a member's settings before anything is done with it."""

from collections.abc import Iterator, Sequence

from requorum.app.inspect.member.results import MemberSettingsResult
from requorum.inspection.contradictions import Contradiction

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})


def findings_of(
    member: MemberSettingsResult, contradictions: Sequence[Contradiction]
) -> tuple[str, ...]:
    """Return them in words, the worst first."""
    return tuple(_findings(member, contradictions))


def _findings(
    member: MemberSettingsResult, contradictions: Sequence[Contradiction]
) -> Iterator[str]:
    for setting in member.settings:
        if setting.flag == "force-new-cluster" and setting.value in _TRUE:
            yield (
                f"force-new-cluster is set ({setting.place}): at every start the member forgets "
                "all others and drops what the quorum has yet to commit"
            )
    for setting in member.conflicting:
        yield (
            f"{setting.flag} is set by a flag and by a variable ({setting.place}): etcd does not "
            "start with both"
        )
    yield from map(str, contradictions)
    for drift in member.drift:
        yield (
            f"{drift.flag} is {_value(drift.running)} in the running process and will be "
            f"{_value(drift.next)} at the next start"
        )
    if member.config_file_newer:
        yield "etcd's configuration file was written after the start: a restart may change settings"
    if member.needs_reload:
        yield "systemd has yet to read the unit's files: `systemctl daemon-reload`"


def _value(value: str | None) -> str:
    return "not set" if value is None else value
