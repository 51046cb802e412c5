"""`requorum inventory discover`."""

import sys
from typing import TYPE_CHECKING

import click

from requorum.cli.options import USER, tls_options
from requorum.cli.output import FORMAT, Format, emit_data
from requorum.errors import RequorumError

if TYPE_CHECKING:
    from requorum.app.inventory.results import DiscoverResult

STDOUT = "-"


@click.command()
@click.option(
    "--host",
    metavar="[USER@]HOST[:PORT]",
    help="A member's host: its unit or manifest is read, then those of the others. "
    "`local` is this machine.",
)
@click.option(
    "--endpoints", metavar="URL,…", help="Client URLs; the first that answers lists the members."
)
@click.option(
    "--ansible",
    "inventory",
    metavar="FILE",
    help="What `ansible-inventory --list` prints, or an inventory in YAML such as kubespray's; "
    "`-` is stdin.",
)
@click.option("--manifest", metavar="FILE", help="kubeadm's etcd.yaml, a file on this machine.")
@click.option("--unit", help="With --host: the systemd unit that runs etcd there.")
@click.option("--pod-manifest", metavar="PATH", help="With --host: its manifest on that host.")
@click.option(
    "--ask-hosts/--no-ask-hosts",
    default=None,
    help="Ask every member's host over ssh; the default with --host alone.",
)
@click.option("--ssh-user", metavar="USER", help="ssh: the user, where a host names none.")
@click.option("--ssh-port", type=click.IntRange(1, 65535), metavar="N", help="ssh: the port.")
@click.option(
    "--identity-file", "identity_files", multiple=True, metavar="FILE", help="ssh: a private key."
)
@click.option("--known-hosts", metavar="FILE", help="ssh: the file that knows the hosts' keys.")
@click.option("--jump", metavar="HOST,…", help="ssh: hosts to go through, as in ProxyJump.")
@click.option("--become", is_flag=True, help="Read on the hosts through sudo.")
@tls_options
@USER
@click.option("--name", default="etcd", show_default=True, help="What to call the cluster.")
@click.option(
    "--out",
    metavar="FILE",
    default="requorum.yaml",
    show_default=True,
    help="The file to write, never over another; `-` is stdout.",
)
@FORMAT
def discover(
    *,
    host: str | None,
    endpoints: str | None,
    inventory: str | None,
    manifest: str | None,
    unit: str | None,
    pod_manifest: str | None,
    ask_hosts: bool | None,
    ssh_user: str | None,
    ssh_port: int | None,
    identity_files: tuple[str, ...],
    known_hosts: str | None,
    jump: str | None,
    become: bool,
    cacert: str | None,
    cert: str | None,
    key: str | None,
    user: str | None,
    name: str,
    out: str,
    output: Format,
) -> None:
    """Find out what the cluster is, and write it down as a cluster file.

    Looks at one member's host, a live endpoint, an Ansible inventory or kubeadm's manifest, or at
    several of them, and writes behind each value who told it. What nobody told stays as a comment
    that says what to fill in. Nothing on any host is changed.

    Ends with 0 where the file can be used as it is, with 1 where something is to be filled in.
    """
    from requorum.app.inventory.discover import Sources, discover_now  # noqa: PLC0415  # heavy
    from requorum.app.settings import credentials_from  # noqa: PLC0415
    from requorum.domain.cluster import Ssh, Tls  # noqa: PLC0415

    sources = Sources(
        host=host,
        unit=unit,
        pod_manifest=pod_manifest,
        manifest=manifest,
        inventory=inventory,
        endpoints=tuple(url.strip() for url in (endpoints or "").split(",") if url.strip()),
        ask_hosts=host is not None if ask_hosts is None else ask_hosts,
        ssh=Ssh(
            user=ssh_user,
            port=ssh_port,
            identity_files=identity_files,
            known_hosts=known_hosts,
            jump=jump,
            become="sudo" if become else None,
        ),
        tls=Tls(cacert=cacert, cert=cert, key=key) if cacert or cert or key else None,
        credentials=credentials_from(user, None),
    )
    result = discover_now(sources, name=name, file=None if out == STDOUT else out)
    if output is not Format.TABLE:
        emit_data(result.model_dump(mode="json"), output)
    elif result.file is None:
        click.echo(result.text, nl=False)
    _tell(result)
    sys.exit(0 if result.loads else RequorumError.exit_code)


def _tell(result: "DiscoverResult") -> None:
    """Say on stderr what came of it and what is left to do."""
    from requorum.cli.render.aligned_text import plain  # noqa: PLC0415

    where = f"wrote {result.file}: " if result.file else ""
    found = len(result.members)
    members = ", ".join(result.members)
    click.echo(plain(f"{where}{found} member{'s' if found != 1 else ''}: {members}"), err=True)
    for note in result.notes:
        click.echo(plain(f"note: {note}"), err=True)
    for said, fields in (("fill in", result.missing), ("check", result.unsure)):
        by_member: dict[str, list[str]] = {}
        for field in fields:
            by_member.setdefault(field.member, []).append(field.field)
        for member, names in by_member.items():
            click.echo(plain(f"{said}: {member}: {', '.join(names)}"), err=True)
    if result.file and result.loads:
        click.echo(plain(f"next: requorum inventory check -c {result.file}"), err=True)
