"""How members' settings are shown: what speaks against them first, then each with its place."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from requorum.app.inspect.member.results import MemberSettingsResult, MembersResult, SettingResult
from requorum.cli.output import console
from requorum.cli.render.aligned_text import plain, print_columns, print_heading, print_line

if TYPE_CHECKING:
    from rich.console import Console

_HEADING = ("setting", "written in", "value")


def show_members(result: MembersResult) -> None:
    """Print everything on stdout."""
    out = console(err=False)
    for member in result.members:
        _show(out, member)


def _show(out: "Console", member: MemberSettingsResult) -> None:
    process = f", process {member.pid}" if member.pid else ""
    print_heading(out, plain(f"{member.name} on {member.host}: {member.service}{process}"))
    if member.problem:
        print_line(out, f"! {plain(member.problem)}", style="red")
        return
    for finding in member.findings:
        print_line(out, f"! {plain(finding)}", style="yellow")
    _print_settings(out, member.settings)
    for title, settings in (("ignored", member.ignored), ("conflicting", member.conflicting)):
        if settings:
            print_line(out, f"{title}:")
            _print_settings(out, settings)


def _print_settings(out: "Console", settings: Sequence[SettingResult]) -> None:
    """Print the value last: an initial-cluster is long, and has to be read whole."""
    print_columns(out, _HEADING, [(s.flag, _place(s), s.value) for s in settings], left=0)


def _place(setting: SettingResult) -> str:
    if setting.place is None:
        return "etcd's default"
    through = f", in ${setting.variable}" if setting.variable else ""
    return f"{setting.place} ({setting.source}{through})"
