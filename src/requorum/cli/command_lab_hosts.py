"""`requorum lab hosts`: real hosts with systemd and sshd, to practise on over SSH."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from requorum.cli.output import FORMAT, Format, console, emit_data

if TYPE_CHECKING:
    from requorum.lab.hosts.description import HostLab
    from requorum.lab.hosts.readiness import HostState

DIRECTORY = click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("requorum-hosts"),
    show_default=True,
    help="Where the hosts live.",
)
KINDS = (
    *("power-cut", "lost", "unplugged", "plugged"),
    *("frozen", "thawed", "disk-full", "disk-free"),
)


@click.group()
def hosts() -> None:
    """Run real hosts: Debian with systemd, sshd, and etcd as a unit, each in a container."""


@hosts.command()
@DIRECTORY
@click.option("--hosts", "count", default=3, show_default=True, type=click.IntRange(1, 9))
@click.option("--etcd", "version", default="3.5", show_default=True, help="Version of etcd.")
@click.option(
    "--style",
    type=click.Choice(["env-file", "flags", "config-file"]),
    default="env-file",
    show_default=True,
    help="Where etcd's unit has its configuration from.",
)
@click.option(
    "--etcd-user",
    type=click.Choice(["root", "etcd"]),
    default="root",
    show_default=True,
    help="Whom the unit runs etcd as.",
)
@click.option("--ssh-port", default=22, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--data-disk",
    "data_disk_mib",
    type=click.IntRange(192),
    metavar="MIB",
    help="Give each data directory a disk of its own, of that size.",
)
@click.option("--stand-ins/--no-stand-ins", default=True, help="Units for kubelet and API server.")
def up(
    *,
    directory: Path,
    count: int,
    version: str,
    style: str,
    etcd_user: str,
    ssh_port: int,
    data_disk_mib: int | None,
    stand_ins: bool,
) -> None:
    """Make the hosts and boot them, or boot those that are down; must be run as root.

    Says what it needs where something lacks; installs nothing on this machine.
    """
    from requorum.app.practice import host_lab as use  # noqa: PLC0415  # pays when it is called
    from requorum.lab.hosts.description import EtcdStyle, Wanted  # noqa: PLC0415

    out = console()
    wanted = Wanted(
        etcd=version,
        hosts=count,
        style=EtcdStyle(style),
        etcd_user=etcd_user,
        ssh_port=ssh_port,
        data_disk_mib=data_disk_mib,
        stand_ins=stand_ins,
    )
    made, states = use.up(directory, wanted, say=lambda line: out.print(line, markup=False))
    serving = sum(state.etcd for state in states)
    out.print(f"{serving} of {len(states)} hosts serve etcd {made.etcd_version}", markup=False)
    for state in states:
        click.echo(_line(state))
    for line in _how_to_reach(made):
        out.print(line, markup=False)


def _how_to_reach(lab: "HostLab") -> tuple[str, ...]:
    name, tls = lab.names[0], lab.client
    certificates = f"--cacert {tls.cacert} --cert {tls.cert} --key {tls.key}"
    return (
        f"as root:  ssh -F {lab.ssh_config} {name}",
        f"as ops:   ssh -F {lab.ssh_config} ops@{name} sudo systemctl status etcd",
        f"etcd:     --endpoints {lab.hosts[0].client_url} {certificates}",
        f"all else: {lab.directory / 'lab.json'}",
    )


@hosts.command()
@DIRECTORY
@FORMAT
def status(*, directory: Path, output: Format) -> None:
    """Show how each host is; exit 1 unless all of them are up."""
    from requorum.app.practice import host_lab as use  # noqa: PLC0415  # pays when it is called

    states = use.status(directory)
    if output is not Format.TABLE:
        emit_data([asdict(state) | {"up": state.up} for state in states], output)
    else:
        for state in states:
            click.echo(_line(state))
    raise SystemExit(0 if all(state.up for state in states) else 1)


def _line(state: "HostState") -> str:
    words = [state.name, state.address, _power(state)]
    if state.failed_units:
        words.append(f"failed: {', '.join(state.failed_units)}")
    if state.pid is not None and not state.plugged:
        words.append("its cable is out")
    words.append("etcd serves" if state.etcd else _why_not(state))
    return "  ".join(words)


def _why_not(state: "HostState") -> str:
    return "a new machine, no member" if state.bare and state.sshd else state.trouble or "no etcd"


def _power(state: "HostState") -> str:
    return "off" if state.pid is None else state.system or "booting"


@hosts.command()
@DIRECTORY
@click.argument("kind", type=click.Choice(KINDS), metavar="KIND")
@click.argument("names", nargs=-1, metavar="[HOST]...")
def fault(*, directory: Path, kind: str, names: tuple[str, ...]) -> None:
    """Do something to hosts, to all of them where none is named.

    KIND is power-cut, lost, unplugged or plugged, frozen or thawed, disk-full or disk-free. Hosts
    without power boot again at `requorum lab hosts up`.
    """
    from requorum.app.practice import host_lab as use  # noqa: PLC0415  # pays when it is called

    lab = use.bring_about(directory, kind, names)
    click.echo(f"{kind}: {', '.join(names or lab.names)}")


@hosts.command()
@DIRECTORY
@click.option("--remove", is_flag=True, help="Remove the directory, too.")
def down(*, directory: Path, remove: bool) -> None:
    """Shut the hosts down; no process, mount, namespace or link stays. The files do."""
    from requorum.app.practice import host_lab as use  # noqa: PLC0415  # pays when it is called

    use.down(directory, remove=remove)
    click.echo("down; nothing is left" if remove else f"down; the files are still in {directory}")
