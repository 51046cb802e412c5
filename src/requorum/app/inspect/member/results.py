"""What `inspect member` returns. Every field is always there; what does not apply is null or empty.

Settings have the names of etcd's flags, whatever they are set by; paths are those of the host.
"""

from typing import Literal

from requorum.app.results import Result


class SettingResult(Result):
    """One setting. `place` is file and line, null for etcd's default; `variable` is the
    supervisor's variable whose value it comes out of.
    """  # noqa: D205  # one sentence on its fields

    flag: str
    value: str
    source: Literal["flag", "variable", "key", "default"]
    place: str | None
    variable: str | None


class DriftResult(Result):
    """A setting that changes at the next start: what the process has, and what the files say."""

    flag: str
    running: str | None
    next: str | None


class ContradictionResult(Result):
    """A field of the cluster file beside what the member runs with, and where that is written."""

    field: str
    cluster_file: str | None
    member: str | None
    place: str


class MemberSettingsResult(Result):
    """One member. `problem` says why its settings cannot be told; all else is empty then.

    `ignored` is set and does not count; `conflicting` are variables whose flag is given as well:
    etcd does not start with them. `needs_reload`: systemd has yet to read its files.
    `config_file_newer`: etcd's configuration file was written after the start. `pid` is null where
    no process of a unit runs.
    """

    name: str
    host: str
    service: str
    problem: str | None = None
    binary: str | None = None
    user: str | None = None
    settings: tuple[SettingResult, ...] = ()
    ignored: tuple[SettingResult, ...] = ()
    conflicting: tuple[SettingResult, ...] = ()
    contradictions: tuple[ContradictionResult, ...] = ()
    pid: int | None = None
    drift: tuple[DriftResult, ...] = ()
    needs_reload: bool = False
    config_file_newer: bool = False
    findings: tuple[str, ...] = ()


class MembersResult(Result):
    """All members that were asked for."""

    members: tuple[MemberSettingsResult, ...]
