"""`requorum inventory`: the cluster file, found out and held against the cluster."""

import click

from requorum.cli.lazy_group import LazyGroup

COMMANDS = {
    "check": (
        "requorum.cli.command_inventory_check:check",
        "Hold the cluster file against the cluster",
    ),
    "discover": (
        "requorum.cli.command_inventory_discover:discover",
        "Write a cluster file of what is found",
    ),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def inventory() -> None:
    """Know the cluster before you need it. Nothing on any host is changed."""
