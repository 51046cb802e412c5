"""The texts of a systemd unit, changed so that etcd is given other settings.

A variable is changed in the environment file or the Environment= that sets it, a flag in the
ExecStart= or in the variable that it comes out of. What nothing sets yet goes where the unit
has its settings from: a variable into the environment file, else a flag behind the last argument.

A unit file below /usr, /lib or /run is a package's or a generator's, who write it anew without
asking: what would be changed there goes into a drop-in of our own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from requorum.domain.member_settings import Means, Medium, MemberSettings, Place
from requorum.domain.unit_files import settings_drop_in
from requorum.errors import DamagedInput
from requorum.formats.etcd_settings.flags import Flag, parse_flags, variable_of
from requorum.formats.systemd.command_line import Argument, arguments_of
from requorum.formats.systemd.environment_file import changed_environment_file
from requorum.formats.systemd.service_unit import ServiceUnit
from requorum.formats.systemd.unit_edit import ValueEdit, appended_argument, changed_value
from requorum.formats.systemd.unit_file import Directive, parse_unit_file
from requorum.formats.systemd.words import quoted_argument, quoted_word, split_words
from requorum.inspection.member_configuration import UnitSource
from requorum.inspection.service_command import unit_environment

_NOT_OURS = ("/usr/", "/lib/", "/run/")
_HEADER = (
    "# Written by requorum: what this member runs with other than its package's unit says.\n"
    "# While an ExecStart= stands here, that of the package's unit has no effect.\n"
    "[Service]\n"
)


def changed_unit_texts(
    unit: UnitSource, settings: MemberSettings, wanted: Mapping[str, str]
) -> Mapping[str, str]:
    """Return the new texts, path → text; see `changed_configuration`, which proves them."""
    return _Change(unit, settings).texts(wanted)


@dataclass
class _Edits:
    """What is to be done; all of it is found first, so that places stay what they were."""

    variables: dict[str, dict[str, str]] = field(default_factory=dict)
    command: list[ValueEdit] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)


class _Change:
    def __init__(self, unit: UnitSource, settings: MemberSettings) -> None:
        self._unit = unit
        self._settings = settings
        self._service: ServiceUnit = unit.service()
        self._environment = unit_environment(
            self._service, unit.environment_files, systemd_version=unit.systemd_version
        )
        values = {name: given.text for name, given in self._environment.items()}
        self._arguments = arguments_of(self._service.command, values)
        self._flags = {f.name: f for f in parse_flags([a.text for a in self._arguments])}
        self._edits = _Edits()

    def texts(self, wanted: Mapping[str, str]) -> Mapping[str, str]:
        for flag, value in wanted.items():
            self._plan(flag, value)
        found: dict[str, str] = {}
        for path, variables in self._edits.variables.items():
            found[path] = self._changed_environment_file(path, variables)
        self._change_units(found)
        return found

    def _plan(self, flag: str, value: str) -> None:
        place = self._settings.place(flag)
        if place is None:
            self._add(flag, value)
        elif place.means is Means.VARIABLE:
            self._set_variable(place, variable_of(flag), value)
        else:
            self._set_flag(self._flags[flag], value)

    def _add(self, flag: str, value: str) -> None:
        file = self._file_of_settings()
        if file is not None:
            self._edits.variables.setdefault(file, {})[variable_of(flag)] = value
            return
        path, directive = self._service.path, self._service.directive
        argument = self._quoted(f"--{flag}={value}")
        self._edits.command.append(appended_argument(self._text(path), directive, argument))

    def _file_of_settings(self) -> str | None:
        """Return the last environment file that etcd has a variable from, None without one."""
        found = [
            s.place.path
            for s in self._settings.settings.values()
            if s.place.medium is Medium.ENVIRONMENT_FILE and s.place.means is Means.VARIABLE
        ]
        files = [file.path for file in self._unit.environment_files if file.path in found]
        return files[-1] if files else None

    def _set_variable(self, place: Place, name: str, value: str) -> None:
        if place.medium is Medium.ENVIRONMENT_FILE:
            self._edits.variables.setdefault(place.path, {})[name] = value
        else:
            self._edits.environment[name] = value

    def _set_flag(self, flag: Flag, value: str) -> None:
        argument = self._arguments[flag.last]
        text = value
        if flag.first == flag.last:
            text = f"{argument.text.partition('=')[0]}={value}"
        if argument.variable is None:
            word = self._service.command.words[argument.word]
            self._edits.command.append(ValueEdit(word.begin, word.end, self._quoted(text)))
        else:
            self._set_within_variable(argument, argument.variable, text)

    def _set_within_variable(self, argument: Argument, variable: str, text: str) -> None:
        """Change one of the arguments that the value of `$VARIABLE` is split into."""
        place, value = self._environment[variable].place, self._environment[variable].text
        siblings = [a for a in self._arguments if a.variable == variable]
        words = split_words(value, escapes=False)
        if len(siblings) != len(words) or quoted_word(text) != text:
            raise DamagedInput(
                f"{place}: {variable}: its words cannot be changed one by one",
                hint="Change it by hand, then plan anew.",
            )
        word = words[siblings.index(argument)]
        # A variable that has been changed already has its words elsewhere: one change of each.
        self._refuse_second_change(place, variable)
        self._set_variable(place, variable, value[: word.begin] + text + value[word.end :])

    def _refuse_second_change(self, place: Place, variable: str) -> None:
        planned = self._edits.variables.get(place.path, {})
        if variable in planned or variable in self._edits.environment:
            raise DamagedInput(
                f"{place}: {variable} holds several settings that are to be changed at once",
                hint="Set them as variables of etcd's own, ETCD_…, then plan anew.",
            )

    def _quoted(self, argument: str) -> str:
        expands = self._service.command.expands
        return quoted_argument(argument) if expands else quoted_word(argument)

    def _text(self, path: str) -> str:
        return next(file.text for file in self._unit.files if file.path == path)

    def _changed_environment_file(self, path: str, variables: Mapping[str, str]) -> str:
        text = next(f.text for f in self._unit.environment_files if f.path == path)
        try:
            return changed_environment_file(text, variables)
        except DamagedInput as error:
            raise DamagedInput(f"{path}: {error.message}", hint=error.hint) from error

    def _change_units(self, texts: dict[str, str]) -> None:
        drop_in: list[str] = []
        for name, value in self._edits.environment.items():
            path, directive, edit = self._assignment(name, value, texts)
            if path.startswith(_NOT_OURS):
                drop_in.append(f"Environment={edit.text}")
            else:
                texts[path] = changed_value(texts.get(path, self._text(path)), directive, [edit])
        if self._edits.command:
            path, directive = self._service.path, self._service.directive
            if path.startswith(_NOT_OURS):
                drop_in += ["ExecStart=", f"ExecStart={_edited(directive, self._edits.command)}"]
            else:
                text = texts.get(path, self._text(path))
                texts[path] = changed_value(text, _same(text, directive), self._edits.command)
        if drop_in:
            path = settings_drop_in(self._unit.name)
            known = next((f.text for f in self._unit.files if f.path == path), _HEADER)
            texts[path] = "\n".join([known.rstrip("\n"), *drop_in, ""])

    def _assignment(
        self, name: str, value: str, texts: Mapping[str, str]
    ) -> tuple[str, Directive, ValueEdit]:
        """Return the last Environment= of a variable, and the edit that gives it another value.

        `texts` are those of files that have been changed already.
        """
        for file in reversed(self._unit.files):
            for directive in reversed(parse_unit_file(texts.get(file.path, file.text))):
                if (directive.section, directive.name) != ("Service", "Environment"):
                    continue
                for word in reversed(split_words(directive.value)):
                    if word.text.startswith(f"{name}="):
                        edit = ValueEdit(word.begin, word.end, quoted_word(f"{name}={value}"))
                        return file.path, directive, edit
        raise DamagedInput(f"no Environment= of {self._unit.name} sets {name} by its plain name")


def _same(text: str, directive: Directive) -> Directive:
    """Return the directive as it stands in a text in which others have been changed."""
    return next(
        d for d in parse_unit_file(text) if d.name == directive.name and d.line == directive.line
    )


def _edited(directive: Directive, edits: list[ValueEdit]) -> str:
    """Return the whole value, on one line, with these edits made."""
    value = directive.value
    in_order = sorted(edits, key=lambda e: (e.begin, e.end))
    for edit in reversed(in_order):
        text = edit.text.replace("\\\n", "").strip() if edit.begin == edit.end else edit.text
        blank = " " if edit.begin == edit.end else ""
        value = value[: edit.begin] + blank + text + value[edit.end :]
    return value
