"""From what a supervisor starts to what the member runs with, by etcd's own precedence.

Source: etcd server/etcdmain/config.go, server/etcdmain/etcd.go, server/embed/config.go and
pkg/flags/{flag,unique_urls}.go of 3.4 to 3.7. A configuration file, named by its flag or by
ETCD_CONFIG_FILE, makes etcd ignore all else. Without one a flag counts before its variable, and
both together keep etcd from starting. An empty variable counts as none.

One default is not told here: etcd that listens on 0.0.0.0 and is not told what to advertise
advertises the address of the host's default route.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from posixpath import isabs, join, normpath
from urllib.parse import urlsplit

from requorum.domain.member_settings import (
    Means,
    Medium,
    MemberSettings,
    Place,
    Setting,
    TlsFiles,
)
from requorum.errors import DamagedInput
from requorum.formats.etcd_settings.config_file import parse_config_file
from requorum.formats.etcd_settings.flags import parse_flags, variable_of
from requorum.formats.etcd_settings.static_pod import Mount, host_path

_PEER_URL = "http://localhost:2380"
_CLIENT_URL = "http://localhost:2379"
_UNIQUE_URLS = frozenset(
    {
        "advertise-client-urls",
        "initial-advertise-peer-urls",
        "listen-client-urls",
        "listen-peer-urls",
    }
)
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False", ""})
_CONFIG_FILE = "config-file"


@dataclass(frozen=True, slots=True)
class Given:
    """A text that the supervisor hands to etcd, and where it is written."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """How a supervisor starts etcd, whichever supervisor it is.

    `variables` are all that the process is known to get. `mounts` are None where paths are the
    host's; else where those of the container lie.
    """

    binary: str
    arguments: tuple[Given, ...]
    variables: Mapping[str, Given]
    working_directory: str = ""
    user: str = ""
    group: str = ""
    version: str | None = None
    mounts: tuple[Mount, ...] | None = None

    def on_host(self, path: str, what: str) -> str:
        """Return a path on the host; DamagedInput for one that is in the container alone."""
        if not isabs(path):
            if not isabs(self.working_directory):
                raise DamagedInput(
                    f"{what} is the relative path {path}, and nothing says of which directory",
                    hint="Write it as an absolute path.",
                )
            path = join(self.working_directory, path)
        found = normpath(path) if self.mounts is None else host_path(self.mounts, path)
        if found is None:
            raise DamagedInput(
                f"{what} {path} is inside of the container, on no volume of the host"
            )
        return found


def config_file_of(command: Command) -> str | None:
    """Return the path on the host of the configuration file, None when etcd is given none."""
    flags, _ = _flags(command)
    given = flags.get(_CONFIG_FILE)
    named = given.value if given else ""
    variable = command.variables.get(variable_of(_CONFIG_FILE))
    path = named or (variable.text if variable else "")
    return command.on_host(path, "the configuration file") if path else None


def member_settings(command: Command, config_text: str | None) -> MemberSettings:
    """Return what the member runs with; `config_text` is that of `config_file_of(command)`.

    DamagedInput, with file and line, for what etcd would not start with.
    """
    path = config_file_of(command)
    flags, repeated = _flags(command)
    variables = _variables(command)
    if path is not None:
        settings = _from_file(path, config_text or "")
        ignored = tuple(s for s in (*flags.values(), *variables.values()) if s.flag != _CONFIG_FILE)
        shadowed: tuple[Setting, ...] = ()
    else:
        settings = {**{n: s for n, s in variables.items() if s.value}, **flags}
        shadowed = tuple(s for name, s in variables.items() if name in flags)
        empty = tuple(s for name, s in variables.items() if not s.value and name not in flags)
        ignored = (*repeated, *shadowed, *empty)
    return _Reading(command, settings).settings(path, ignored, shadowed)


def _flags(command: Command) -> tuple[dict[str, Setting], tuple[Setting, ...]]:
    """Return the flags that count, and those that a later one of the same name made void."""
    counting: dict[str, Setting] = {}
    void: list[Setting] = []
    for flag in parse_flags([argument.text for argument in command.arguments]):
        setting = Setting(flag.name, flag.value, command.arguments[flag.last].place)
        before = counting.get(flag.name)
        if before is not None and _is_among(flag.value, before):
            void.append(setting)
            continue
        if before is not None:
            void.append(before)
        counting[flag.name] = setting
    return counting, tuple(void)


def _is_among(value: str, before: Setting) -> bool:
    """Return whether etcd passes this value over: one URL that the list before it holds."""
    return before.flag in _UNIQUE_URLS and value in before.value.split(",")


def _variables(command: Command) -> dict[str, Setting]:
    """Return ETCD_* by the flags that they stand for."""
    return {
        (flag := name.removeprefix("ETCD_").lower().replace("_", "-")): Setting(
            flag, given.text, given.place
        )
        for name, given in command.variables.items()
        if name.startswith("ETCD_")
    }


def _from_file(path: str, text: str) -> dict[str, Setting]:
    try:
        values = parse_config_file(text)
    except DamagedInput as error:
        raise DamagedInput(f"{path}: {error.message}", hint=error.hint) from error
    return {
        v.flag: Setting(v.flag, v.value, Place(Medium.CONFIG_FILE, Means.KEY, path, v.line))
        for v in values
    }


class _Reading:
    """Makes typed values of settings."""

    def __init__(self, command: Command, settings: Mapping[str, Setting]) -> None:
        self._command = command
        self._settings = settings

    def settings(
        self, config_file: str | None, ignored: tuple[Setting, ...], shadowed: tuple[Setting, ...]
    ) -> MemberSettings:
        name = self._text("name") or "default"
        peer_urls = self._urls("initial-advertise-peer-urls", _PEER_URL)
        return MemberSettings(
            name=name,
            data_dir=self._path("data-dir") or self._command.on_host(f"{name}.etcd", "data-dir"),
            wal_dir=self._path("wal-dir"),
            listen_peer_urls=self._urls("listen-peer-urls", _PEER_URL),
            listen_client_urls=self._urls("listen-client-urls", _CLIENT_URL),
            advertise_peer_urls=peer_urls,
            advertise_client_urls=self._urls("advertise-client-urls", _CLIENT_URL),
            initial_cluster=self._text("initial-cluster") or self._alone(name, peer_urls),
            initial_cluster_state=self._text("initial-cluster-state") or "new",
            initial_cluster_token=self._text("initial-cluster-token") or "etcd-cluster",
            client_tls=self._tls(""),
            peer_tls=self._tls("peer-"),
            quota_backend_bytes=self._number("quota-backend-bytes") or 0,
            snapshot_count=self._number("snapshot-count"),
            auto_compaction_mode=self._text("auto-compaction-mode") or "periodic",
            auto_compaction_retention=self._text("auto-compaction-retention") or "0",
            force_new_cluster=self._true("force-new-cluster"),
            binary=self._command.binary,
            user=self._command.user,
            group=self._command.group,
            version=self._command.version,
            config_file=config_file,
            settings=self._settings,
            ignored=ignored,
            shadowed=shadowed,
        )

    def _text(self, flag: str) -> str:
        setting = self._settings.get(flag)
        return setting.value if setting else ""

    def _path(self, flag: str) -> str | None:
        setting = self._settings.get(flag)
        if setting is None or not setting.value:
            return None
        return self._command.on_host(setting.value, f"{setting.place}: {flag}")

    def _urls(self, flag: str, default: str) -> tuple[str, ...]:
        setting = self._settings.get(flag)
        if setting is None or not setting.value:
            return (default,)
        urls = tuple(url.strip() for url in setting.value.split(","))
        for url in urls:
            if not _is_url(url):
                raise _invalid(setting, "no URL that etcd would take")
        return urls

    def _alone(self, name: str, peer_urls: Sequence[str]) -> str:
        """Return etcd's default: a cluster of this member alone, none where it is discovered."""
        discovered = any(flag.startswith("discovery") for flag in self._settings)
        return "" if discovered else ",".join(f"{name}={url}" for url in peer_urls)

    def _number(self, flag: str) -> int | None:
        setting = self._settings.get(flag)
        if setting is None or not setting.value:
            return None
        try:
            return int(setting.value, 0)
        except ValueError as error:
            raise _invalid(setting, "no number") from error

    def _true(self, flag: str) -> bool:
        setting = self._settings.get(flag)
        if setting is None or setting.value in _FALSE:
            return False
        if setting.value not in _TRUE:
            raise _invalid(setting, "neither true nor false")
        return True

    def _tls(self, side: str) -> TlsFiles:
        return TlsFiles(
            cert=self._path(f"{side}cert-file"),
            key=self._path(f"{side}key-file"),
            trusted_ca=self._path(f"{side}trusted-ca-file"),
            client_cert_auth=self._true(f"{side}client-cert-auth"),
            auto=self._true(f"{side}auto-tls"),
        )


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https", "unix", "unixs"} and bool(parts.netloc)


def _invalid(setting: Setting, why: str) -> DamagedInput:
    return DamagedInput(f"{setting.place}: {setting.flag}: `{setting.value}` is {why}")
