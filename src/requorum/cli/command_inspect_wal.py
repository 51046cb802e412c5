"""`requorum inspect wal`."""

import sys

import click

from requorum.app.inspect.wal.inspect_wal import WalWishes, inspect_wal
from requorum.cli.render.key_text import typed_key
from requorum.cli.render.wal import Progress, WalFormat, show_wal
from requorum.errors import RequorumError, UsageError
from requorum.inspection.key_choice import KeyChoice
from requorum.inspection.wal_filter import KINDS, WalFilter

COUNT = click.IntRange(min=1)
INDEX = click.IntRange(min=0)


@click.command()
@click.argument("directory", metavar="DIR")
@click.option(
    "--key", metavar="KEY", help="Entries that may touch this key, also within a range or a txn."
)
@click.option("--prefix", metavar="PREFIX", help="Entries that may touch a key that begins so.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND,…",
    help=f"Only these: {', '.join(KINDS)}. A txn counts as what it may do, "
    "a lease-revoke as a delete.",
)
@click.option("--from-index", type=INDEX, metavar="N", help="From this Raft index on.")
@click.option("--to-index", type=INDEX, metavar="N", help="Up to this Raft index.")
@click.option("--term", type=INDEX, metavar="N", help="Entries of this Raft term.")
@click.option("--limit", type=COUNT, metavar="N", help="The first N of them.")
@click.option("--from-end", type=COUNT, metavar="N", help="The last N of them.")
@click.option("--superseded", is_flag=True, help="Also entries that a later leader replaced.")
@click.option(
    "--records", is_flag=True, help="Also hard states, snapshot marks, metadata and checksums."
)
@click.option("--values", is_flag=True, help="Show values: as text, or in base64.")
@click.option(
    "--lease-keys",
    is_flag=True,
    help="Tell which keys a lease-revoke may have deleted; always done with --key and --prefix.",
)
@click.option(
    "--db",
    "database",
    metavar="FILE",
    help="A db or snapshot that knows older leases; else the member's own, unless etcd runs on it.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(WalFormat, case_sensitive=False),
    default=WalFormat.TABLE,
    show_default="table",
    help="How it is printed; jsonl is one JSON document a line.",
)
def wal(
    *,
    directory: str,
    key: str | None,
    prefix: str | None,
    kinds: tuple[str, ...],
    from_index: int | None,
    to_index: int | None,
    term: int | None,
    limit: int | None,
    from_end: int | None,
    superseded: bool,
    records: bool,
    values: bool,
    lease_keys: bool,
    database: str | None,
    output: WalFormat,
) -> None:
    """List what a write-ahead log holds: each entry decoded to what it asked etcd to do.

    DIR is a data directory, a WAL directory or one .wal file. Damage is listed where it lies, and
    what lies behind it is read. Which entry deleted a key: --key KEY --kind delete.

    Exit codes: 0 sound, 1 damaged, 2 no WAL there, 5 nothing can be read.
    """
    which = WalFilter(
        keys=_keys(key, prefix),
        kinds=_kinds(kinds),
        from_index=from_index or 0,
        to_index=to_index,
        term=term,
        superseded=superseded,
        all_records=records,
    )
    if limit is not None and from_end is not None:
        raise UsageError("--limit and --from-end exclude each other")
    wishes = WalWishes(
        which=which,
        values=values,
        lease_keys=lease_keys,
        database=database,
        limit=limit,
        from_end=from_end,
    )
    progress = Progress()
    try:
        found = inspect_wal(directory, wishes, on_size=progress.size, on_bytes=progress.bytes_read)
        summary = show_wal(found, output, progress, hidden=not superseded)
    finally:
        progress.end()
    if summary.damaged:
        sys.exit(RequorumError.exit_code)


def _keys(key: str | None, prefix: str | None) -> KeyChoice | None:
    if key is not None and prefix is not None:
        raise UsageError("--key and --prefix exclude each other")
    if prefix is not None:
        return KeyChoice(typed_key(prefix), is_prefix=True)
    return None if key is None else KeyChoice(typed_key(key))


def _kinds(given: tuple[str, ...]) -> frozenset[str]:
    names = [name.strip() for part in given for name in part.split(",") if name.strip()]
    for name in names:
        if name not in KINDS:
            raise UsageError(f"{name} is no kind of record", hint=f"There are {', '.join(KINDS)}.")
    return frozenset(names)
