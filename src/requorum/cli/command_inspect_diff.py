"""`requorum inspect diff`: what two databases do not have in common."""

import asyncio
import sys
from contextlib import AsyncExitStack

import click

from requorum.app.inspect.diff.inspect_diff import compared
from requorum.cli.output import FORMAT, Format, emit_data
from requorum.cli.render.diff import emit_json, show_diff
from requorum.cli.render.key_text import typed_key
from requorum.cli.render.stages import shown_stages
from requorum.errors import RequorumError
from requorum.formats.kubernetes_keys import DEFAULT_PREFIX
from requorum.inspection.difference.compare import Wishes
from requorum.inspection.difference.keys import KeyFilter

REVISION = click.IntRange(min=1)


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--rev", type=REVISION, metavar="R", help="Compare both as they were at revision R.")
@click.option("--rev-a", type=REVISION, metavar="R", help="Compare A as it was at revision R.")
@click.option("--rev-b", type=REVISION, metavar="R", help="Compare B as it was at revision R.")
@click.option("--prefix", default="", metavar="P", help="Compare only keys that begin with P.")
@click.option(
    "--exclude",
    "excluded",
    multiple=True,
    metavar="P",
    help="Leave out keys that begin with P; may be given more than once.",
)
@click.option("--keys", "all_keys", is_flag=True, help="Name every key that differs.")
@click.option(
    "--examples",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="N",
    help="Name the first N keys of each kind.",
)
@click.option("--values", is_flag=True, help="Show the values of the keys that are named.")
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    metavar="N",
    help="Count by the first N parts of the keys.",
)
@click.option(
    "--kube-prefix",
    default=DEFAULT_PREFIX,
    show_default=True,
    metavar="P",
    help="The API server's --etcd-prefix, below which Kubernetes' objects are named.",
)
@FORMAT
def diff(
    *,
    a: str,
    b: str,
    rev: int | None,
    rev_a: int | None,
    rev_b: int | None,
    prefix: str,
    excluded: tuple[str, ...],
    all_keys: bool,
    examples: int,
    values: bool,
    depth: int,
    kube_prefix: str,
    output: Format,
) -> None:
    """Compare A with B: each a snapshot file, a db file, or a data directory.

    Says which keys B has and A has not, the other way round, and which differ; and whether the
    histories of both are one, or part, and where.

    Ends with 0 where nothing differs, 1 where something does or where damage leaves that open,
    2 for a wrong command line, 5 where nothing useful can be read.
    """
    wishes = Wishes(
        a_revision=rev_a or rev,
        b_revision=rev_b or rev,
        keys=KeyFilter(typed_key(prefix), tuple(map(typed_key, excluded))),
        of_each_kind=None if all_keys else examples,
        levels=depth,
        kube_prefix=kube_prefix,
    )
    outcome = asyncio.run(_compare(a, b, wishes, values=values, output=output))
    sys.exit(0 if outcome == "same" else RequorumError.exit_code)


async def _compare(a: str, b: str, wishes: Wishes, *, values: bool, output: Format) -> str:
    async with AsyncExitStack() as stack:
        with shown_stages() as on_stage:
            found = await stack.enter_async_context(
                compared(a, b, wishes, values=values, on_stage=on_stage)
            )
        match output:
            case Format.TABLE:
                show_diff(found.result, found.keys(), kube_prefix=wishes.kube_prefix)
            case Format.JSON:
                emit_json(found.result, found.keys())
            case Format.YAML:
                emit_data(found.whole().model_dump(mode="json"), output)
        return found.result.outcome
