"""What a member runs with, and every text that says so: what a change starts from, is held to."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from posixpath import basename

from requorum.domain.member_settings import MemberSettings
from requorum.errors import DamagedInput
from requorum.formats.etcd_settings.static_pod import StaticPod, parse_static_pod
from requorum.formats.systemd.service_unit import ServiceUnit, parse_service
from requorum.formats.text_file import TextFile
from requorum.inspection.member_settings import Command, config_file_of, member_settings
from requorum.inspection.pod_command import pod_command
from requorum.inspection.service_command import service_command


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSource:
    """A systemd unit's texts. `files` are the unit file and its drop-ins in systemd's order.

    `meaning` is that of the specifiers. `needs_reload`: systemd has yet to read what they say.
    """

    name: str
    files: tuple[TextFile, ...]
    environment_files: tuple[TextFile, ...]
    meaning: Mapping[str, str]
    systemd_version: int
    needs_reload: bool = False

    def service(self) -> ServiceUnit:
        """Return what the unit's files say together; DamagedInput as `parse_service`."""
        return parse_service(self.files, self.meaning)

    def command(self) -> Command:
        """Return what systemd starts; DamagedInput as `service_command`."""
        return service_command(
            self.service(), self.environment_files, systemd_version=self.systemd_version
        )

    def with_texts(self, texts: Mapping[str, str]) -> "UnitSource":
        """Return the source after a change; a path that is new is a drop-in."""
        known = {file.path for file in (*self.files, *self.environment_files)}
        unit_file, *drop_ins = _changed(self.files, texts)
        drop_ins += [TextFile(path, text) for path, text in texts.items() if path not in known]
        return replace(
            self,
            files=(unit_file, *sorted(drop_ins, key=lambda file: basename(file.path))),
            environment_files=_changed(self.environment_files, texts),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestSource:
    """A static pod's manifest. `live` is where kubelet reads it; `file` is where it lies now."""

    file: TextFile
    live: str

    def pod(self) -> StaticPod:
        """Return what it says; DamagedInput with its path where it is none."""
        try:
            return parse_static_pod(self.file.text)
        except DamagedInput as error:
            raise DamagedInput(f"{self.file.path}: {error.message}", hint=error.hint) from error

    def command(self) -> Command:
        """Return what kubelet starts."""
        return pod_command(self.pod(), self.file.path)

    def with_texts(self, texts: Mapping[str, str]) -> "ManifestSource":
        """Return the source after a change."""
        (file,) = _changed((self.file,), texts)
        return replace(self, file=file)


Source = UnitSource | ManifestSource


def _changed(files: tuple[TextFile, ...], texts: Mapping[str, str]) -> tuple[TextFile, ...]:
    return tuple(TextFile(file.path, texts.get(file.path, file.text)) for file in files)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberConfiguration:
    """What a member runs with at its next start, and where it says so."""

    settings: MemberSettings
    source: Source
    config_file: TextFile | None = None

    def text(self, path: str) -> str | None:
        """Return the text of a file that was read, None for a file that there is none of."""
        return next((file.text for file in self._files() if file.path == path), None)

    def _files(self) -> tuple[TextFile, ...]:
        more = () if self.config_file is None else (self.config_file,)
        match self.source:
            case UnitSource() as unit:
                return (*unit.files, *unit.environment_files, *more)
            case ManifestSource() as manifest:
                return (manifest.file, *more)

    def with_texts(self, texts: Mapping[str, str]) -> "MemberConfiguration":
        """Return what the member would run with after a change of files, path → text."""
        source = self.source.with_texts(texts)
        file = self.config_file
        if file is not None:
            file = TextFile(file.path, texts.get(file.path, file.text))
        return configuration_of(source, file)


def configuration_of(source: Source, config_file: TextFile | None) -> MemberConfiguration:
    """Read the texts; `config_file` is the one that `config_file_path` names.

    DamagedInput, with file and line, for what the supervisor or etcd would not start with.
    """
    settings = member_settings(source.command(), config_file.text if config_file else None)
    return MemberConfiguration(settings=settings, source=source, config_file=config_file)


def config_file_path(source: Source) -> str | None:
    """Return the path on the host of etcd's configuration file, None without one."""
    return config_file_of(source.command())
