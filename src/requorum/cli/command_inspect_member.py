"""`requorum inspect member`: what members run with, and where each setting is written."""

import sys

import click

from requorum.cli.options import CLUSTER_FILE
from requorum.cli.output import FORMAT, Format, emit_data
from requorum.errors import RequorumError


@click.command()
@CLUSTER_FILE
@click.argument("names", nargs=-1, metavar="NAME")
@FORMAT
def member(*, cluster_file: str, names: tuple[str, ...], output: Format) -> None:
    """Tell what each member NAME runs with, all of the cluster file where none is named.

    Reads units, drop-ins, environment files, etcd's configuration file or a static pod's manifest
    on each host, by systemd's and etcd's own rules: every setting with its file and line. Says
    where the running process has another value, and where the cluster file says otherwise.

    Ends with 0 where nothing is to be said against any member, else with 1.
    """
    import asyncio  # noqa: PLC0415  # heavy, like the rest

    from requorum.app.cluster_file import load_cluster_file  # noqa: PLC0415
    from requorum.app.inspect.member.inspect_member import inspect_members  # noqa: PLC0415
    from requorum.cli.render.member_settings import show_members  # noqa: PLC0415

    result = asyncio.run(inspect_members(load_cluster_file(cluster_file), names))
    if output is Format.TABLE:
        show_members(result)
    else:
        emit_data(result.model_dump(mode="json"), output)
    clean = not any(m.problem or m.findings for m in result.members)
    sys.exit(0 if clean else RequorumError.exit_code)
