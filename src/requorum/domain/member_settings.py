"""What one etcd member runs with, and where each of its settings is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Medium(StrEnum):
    """The kind of text that a setting is written in."""

    UNIT = "unit file"
    ENVIRONMENT_FILE = "environment file"
    CONFIG_FILE = "etcd's configuration file"
    MANIFEST = "manifest"
    PROCESS = "running process"


class Means(StrEnum):
    """How etcd is told."""

    FLAG = "flag"
    VARIABLE = "variable"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is written: a change there is one that etcd reads.

    `variable` names the variable of the supervisor's whose value holds it, None where it stands
    there as it is: a flag that comes out of `$DAEMON_ARGS`.
    """

    medium: Medium
    means: Means
    path: str
    line: int
    variable: str | None = None

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting by the name of its flag, whatever the means."""

    flag: str
    value: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """One of etcd's two TLS sides. Paths are on the host; None where nothing is set."""

    cert: str | None
    key: str | None
    trusted_ca: str | None
    client_cert_auth: bool
    auto: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSettings:
    """What a member runs with: what is set, and etcd's default where nothing is.

    Paths are absolute paths on the host. `snapshot_count` is None where it is not set: the
    default depends on the release. `user` and `group` are "" for those of the supervisor, root.
    `version` is the release that the supervisor names, None where it names none.
    """

    name: str
    data_dir: str
    wal_dir: str | None
    listen_peer_urls: tuple[str, ...]
    listen_client_urls: tuple[str, ...]
    advertise_peer_urls: tuple[str, ...]
    advertise_client_urls: tuple[str, ...]
    initial_cluster: str
    initial_cluster_state: str
    initial_cluster_token: str
    client_tls: TlsFiles
    peer_tls: TlsFiles
    quota_backend_bytes: int
    snapshot_count: int | None
    auto_compaction_mode: str
    auto_compaction_retention: str
    force_new_cluster: bool
    binary: str
    user: str
    group: str
    version: str | None
    config_file: str | None
    settings: Mapping[str, Setting]
    """Everything that is set and counts, by flag name."""
    ignored: tuple[Setting, ...]
    """What is set and does not count: an empty variable, a flag that is given again, and all that
    a configuration file makes etcd ignore."""
    shadowed: tuple[Setting, ...]
    """Variables whose flag is given as well: etcd refuses to start with them."""

    def place(self, flag: str) -> Place | None:
        """Return where that flag's value is written, None for etcd's default."""
        setting = self.settings.get(flag)
        return setting.place if setting else None
