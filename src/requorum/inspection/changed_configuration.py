"""The texts that a member's settings are written in, changed so that it runs with others.

A setting is changed where it is written, by the fewest characters, so that whoever looks there
later finds what is true. Only a unit file that is a package's own is not ours to change: a drop-in
of our own stands beside it then. Every change is read back before it is returned, by the same
reading that tells what a member runs with: it means what was asked for and nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from posixpath import basename, dirname

from requorum.domain.member_settings import MemberSettings
from requorum.errors import DamagedInput
from requorum.formats.etcd_settings.config_file import changed_config_file
from requorum.formats.etcd_settings.static_pod import changed_static_pod
from requorum.inspection.changed_unit import changed_unit_texts
from requorum.inspection.member_configuration import (
    ManifestSource,
    MemberConfiguration,
    UnitSource,
)

CHANGEABLE = frozenset(
    {
        "data-dir",
        "force-new-cluster",
        "initial-advertise-peer-urls",
        "initial-cluster",
        "initial-cluster-state",
        "initial-cluster-token",
        "listen-peer-urls",
        "name",
        "wal-dir",
    }
)
"""The flags that procedures change."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file, whole, before and after; `before` is None for a file that is new."""

    path: str
    before: str | None
    after: str

    @property
    def diff(self) -> tuple[str, ...]:
        """Return the path, then each line that goes, with `-`, and each that comes, with `+`."""
        before, after = (self.before or "").split("\n"), self.after.split("\n")
        lines = [self.path]
        for tag, i1, i2, j1, j2 in SequenceMatcher(
            None, before, after, autojunk=False
        ).get_opcodes():
            if tag != "equal":
                lines += [f"- {line}" for line in before[i1:i2] if line or j1 < j2]
                lines += [f"+ {line}" for line in after[j1:j2] if line or i1 < i2]
        return tuple(lines)


def changed_configuration(
    member: MemberConfiguration, wanted: Mapping[str, str]
) -> tuple[FileChange, ...]:
    """Return the files to be changed so that these flags have these values; none where they have.

    ValueError for a flag that is not of `CHANGEABLE`. DamagedInput, with file and line, where the
    texts cannot be changed so that they mean this and nothing else.
    """
    if not set(wanted) <= CHANGEABLE:
        raise ValueError(f"not to be changed: {sorted(set(wanted) - CHANGEABLE)}")
    missing = {flag: v for flag, v in wanted.items() if _value(member.settings, flag) != v}
    if not missing:
        return ()
    texts = _changed_texts(member, missing)
    changes = tuple(
        FileChange(path, before, after)
        for path, after in texts.items()
        if (before := member.text(path)) != after
    )
    _refuse_unless_meant(member, member.with_texts(texts), missing)
    _refuse_where_copies_count(member, changes)
    return changes


def _value(settings: MemberSettings, flag: str) -> str | None:
    setting = settings.settings.get(flag)
    return setting.value if setting else None


def _changed_texts(member: MemberConfiguration, wanted: Mapping[str, str]) -> Mapping[str, str]:
    file = member.config_file
    if file is not None:
        return {file.path: _at(file.path, lambda: changed_config_file(file.text, wanted))}
    match member.source:
        case ManifestSource(file=manifest):
            changed = _at(manifest.path, lambda: changed_static_pod(manifest.text, wanted))
            return {manifest.path: changed}
        case UnitSource() as unit:
            return changed_unit_texts(unit, member.settings, wanted)


def _refuse_unless_meant(
    before: MemberConfiguration, after: MemberConfiguration, wanted: Mapping[str, str]
) -> None:
    had = {flag: setting.value for flag, setting in before.settings.settings.items()}
    has = {flag: setting.value for flag, setting in after.settings.settings.items()}
    same = all(
        getattr(before.settings, name) == getattr(after.settings, name)
        for name in ("binary", "user", "group", "version", "config_file")
    )
    shadowed = [s.flag for s in after.settings.shadowed]
    if (
        has != had | dict(wanted)
        or not same
        or shadowed != [s.flag for s in before.settings.shadowed]
    ):
        raise DamagedInput(
            f"{', '.join(wanted)} cannot be changed line by line so that nothing else changes",
            hint="Change it by hand, then plan anew.",
        )


def _refuse_where_copies_count(
    member: MemberConfiguration, changes: tuple[FileChange, ...]
) -> None:
    """Refuse where systemd would read the old file beside the new one: EnvironmentFile=/etc/x*."""
    if not isinstance(member.source, UnitSource):
        return
    for named in member.source.service().environment_files:
        for change in changes:
            copy = f"{basename(change.path)}.requorum-x"
            if dirname(named.path) == dirname(change.path) and fnmatchcase(
                copy, basename(named.path)
            ):
                raise DamagedInput(
                    f"EnvironmentFile={named.path} would also take the old {change.path}, kept "
                    "beside the new one"
                )


def _at(path: str, change: Callable[[], str]) -> str:
    try:
        return change()
    except DamagedInput as error:
        raise DamagedInput(f"{path}: {error.message}", hint=error.hint) from error
