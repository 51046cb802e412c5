"""The step that gives a member other settings, with the lines that it changes."""

from collections.abc import Mapping

from requorum.domain.cluster import MemberSpec
from requorum.inspection.changed_configuration import changed_configuration
from requorum.inspection.member_configuration import MemberConfiguration
from requorum.runbooks.steps.change_settings import ChangedFile, ChangeSettings, text_digest


def change_settings_step(
    member: MemberSpec,
    configuration: MemberConfiguration,
    wanted: Mapping[str, str],
    *,
    reason: str,
) -> ChangeSettings | None:
    """Return the step, to be taken while the member is stopped; None where nothing changes.

    `wanted` is by flag name. Raises as `changed_configuration` does.
    """
    changes = changed_configuration(configuration, wanted)
    if not changes:
        return None
    files = ", ".join(change.path for change in changes)
    had = configuration.settings.settings
    changed = {f: v for f, v in wanted.items() if f not in had or had[f].value != v}
    return ChangeSettings(
        host=member.host,
        title=f"change {', '.join(changed)} of {member.name} in {files}",
        reason=f"{reason}; the old file is kept beside the new one",
        details=tuple(line for change in changes for line in change.diff),
        together="change-settings",
        member=member.name,
        settings=dict(wanted),
        files=tuple(
            ChangedFile(
                path=change.path,
                before=None if change.before is None else text_digest(change.before),
                after=text_digest(change.after),
            )
            for change in changes
        ),
    )
