"""`requorum inspect`: read what etcd left behind, and change nothing."""

import click

from requorum.cli.lazy_group import LazyGroup

COMMANDS = {
    "datadir": (
        "requorum.cli.command_inspect_datadir:datadir",
        "A whole data directory, and what etcd would do at start",
    ),
    "db": ("requorum.cli.command_inspect_database:db", "A database out of a data directory"),
    "diff": ("requorum.cli.command_inspect_diff:diff", "What two databases do not have in common"),
    "member": (
        "requorum.cli.command_inspect_member:member",
        "What members run with, and where it is written",
    ),
    "snapshot": (
        "requorum.cli.command_inspect_database:snapshot",
        "A file that `etcdctl snapshot save` wrote",
    ),
    "wal": ("requorum.cli.command_inspect_wal:wal", "The records of a write-ahead log"),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def inspect() -> None:
    """Read etcd's files, exact and to the end, damaged ones too. Nothing is ever changed."""
