"""How systemd starts a member, from its unit's files and its environment files."""

from collections.abc import Mapping, Sequence
from posixpath import basename

from requorum.domain.member_settings import Means, Medium, Place
from requorum.errors import DamagedInput
from requorum.formats.systemd.command_line import Argument, arguments_of
from requorum.formats.systemd.environment_file import parse_environment_file, that_count
from requorum.formats.systemd.service_unit import ServiceUnit
from requorum.formats.text_file import TextFile
from requorum.inspection.member_settings import Command, Given

COMMENTS_END_SINCE = 254
"""The first systemd that ends a comment of an environment file with its line, always."""


def service_command(
    unit: ServiceUnit, environment_files: Sequence[TextFile], *, systemd_version: int
) -> Command:
    """Return what systemd runs; DamagedInput where that is not etcd itself.

    `environment_files` are those that exist, in the order in which systemd reads them.
    """
    if not basename(unit.command.program).startswith("etcd"):
        raise DamagedInput(
            f"{unit.path}:{unit.directive.line}: ExecStart= runs {unit.command.program}, which is "
            "not etcd, so its settings cannot be read",
            hint="State what it runs with in the cluster file, and use `kind: command`.",
        )
    sources = unit_environment(unit, environment_files, systemd_version=systemd_version)
    values = {name: source.text for name, source in sources.items()}
    return Command(
        binary=unit.command.program,
        arguments=tuple(
            Given(argument.text, _place_of(unit, argument, sources))
            for argument in arguments_of(unit.command, values)
        ),
        variables=sources,
        working_directory=unit.working_directory or "/",
        user=unit.user,
        group=unit.group,
    )


def unit_environment(
    unit: ServiceUnit, files: Sequence[TextFile], *, systemd_version: int
) -> Mapping[str, Given]:
    """Return the variables that systemd hands on, each with its place; see `service_command`."""
    found = {
        v.name: Given(v.value or "", Place(Medium.UNIT, Means.VARIABLE, v.path, v.line))
        for v in unit.environment
        if v.value is not None
    }
    for file in files:
        found |= _of_file(file, systemd_version)
    for name, value in ((v.name, v.value) for v in unit.unset):
        if name in found and value in (None, found[name].text):
            del found[name]
    return found


def _of_file(file: TextFile, systemd_version: int) -> dict[str, Given]:
    comments_go_on = systemd_version < COMMENTS_END_SINCE
    try:
        variables = parse_environment_file(file.text, comments_go_on=comments_go_on)
    except DamagedInput as error:
        raise DamagedInput(f"{file.path}: {error.message}", hint=error.hint) from error
    return {
        name: Given(
            v.value, Place(Medium.ENVIRONMENT_FILE, Means.VARIABLE, file.path, v.line, None)
        )
        for name, v in that_count(variables).items()
    }


def _place_of(unit: ServiceUnit, argument: Argument, sources: Mapping[str, Given]) -> Place:
    source = sources.get(argument.variable) if argument.variable else None
    if source is not None:
        place = source.place
        return Place(place.medium, Means.FLAG, place.path, place.line, argument.variable)
    line = unit.directive.line_at(unit.command.words[argument.word].begin)
    return Place(Medium.UNIT, Means.FLAG, unit.path, line)
