"""How the result of `salvage` is shown as text."""

import sys
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from requorum.app.salvage.results import (
    LostRangeResult,
    RecordResult,
    ReplayResult,
    SalvageFileResult,
    SalvageLogResult,
    SalvageResult,
)
from requorum.cli.output import console
from requorum.cli.render.aligned_text import plain, print_line
from requorum.cli.render.key_text import shown_key
from requorum.domain.units import binary_size

if TYPE_CHECKING:
    from rich.console import Console

_DAMAGES_SHOWN = 5
_WHY = {
    "may-be-superseded": "may have been deleted or overwritten by something that is lost",
    "never-committed": "was on a page that no transaction of the file ever committed",
    "rests-on-lost-keys": "comes from the log; its numbers may be off: what was before is lost",
    "copies-differ": "the files differ, nothing tells which is right",
}


@contextmanager
def salvage_stages() -> Iterator[Callable[[str], None]]:
    """Yield what is told the stages; they are shown on stderr while somebody looks."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.text import Text  # noqa: PLC0415  # only a terminal pays for it

    with console().status("") as status:
        yield lambda stage: status.update(Text(plain(stage)))


def show_salvage(result: SalvageResult, *, limit: int) -> None:
    """Print the result on stdout; `limit` rows of each kind."""
    out = console(err=False)
    for file in result.files:
        _show_file(out, file)
    for log in result.logs:
        _show_log(out, log)
    if result.replay is not None:
        _show_replay(out, result.replay, limit)
    for warning in result.warnings:
        print_line(out, f"! {plain(warning)}", "yellow")
    print_line(out, "")
    _show_result(out, result)
    _show_lost(out, result, limit)
    _show_uncertain(out, result, limit)
    _show_others(out, result)
    _show_end(out, result)


def _show_file(out: "Console", file: SalvageFileResult) -> None:
    if not file.readable:
        state = "no way into its trees is left"
    else:
        compacted = file.compact_revision
        state = f"revision {'?' if file.revision is None else file.revision}"
        if compacted is None or compacted >= 0:
            state += f" (compacted at {'an unknown one' if compacted is None else compacted})"
        state += f", {_count(file.records, 'record')}"
        state += f", {_count(file.gaps, 'gap')}" if file.gaps else ", whole"
    taken = f"{file.taken} taken"
    if file.strays:
        taken += f", {file.strays} of them from pages that nothing leads to"
    print_line(out, f"{plain(file.name)}: {binary_size(file.size)}, {state}; {taken}")
    if file.trailer == "differs":
        print_line(out, "    its SHA-256 does not match", "yellow")
    if file.dropped_from is not None:
        what = "tells another history than the other files: from there on it is not believed"
        print_line(out, f"    revision {file.dropped_from}: it {what}", "yellow")
    _show_damages(out, file.damages, file.damage_count)


def _show_damages(out: "Console", damages: Sequence[str], count: int) -> None:
    for damage in damages[:_DAMAGES_SHOWN]:
        print_line(out, f"    {plain(damage)}", "red")
    if count > _DAMAGES_SHOWN:
        more = count - _DAMAGES_SHOWN
        print_line(out, f"    and {more} more damaged places: --format json lists them", "red")


def _show_log(out: "Console", log: SalvageLogResult) -> None:
    if log.last_index is None:
        state = "no entry can be read"
    else:
        state = f"entries {log.first_index} to {log.last_index}, committed up to {log.commit}"
    end = {"clean": "", "torn": ", its last record incomplete", "damaged": ", its end damaged"}
    print_line(out, f"log in {plain(log.path)}: {state}{end.get(log.ending, '')}")
    _show_damages(out, log.damages, log.damage_count)


def _show_replay(out: "Console", replay: ReplayResult, limit: int) -> None:
    print_line(
        out,
        f"logs together: entries {replay.first_index} to {replay.last_index}; "
        f"{_count(replay.checked, 'revision')} held against the files, "
        f"{_count(replay.taken, 'record')} taken",
    )
    if replay.corrected:
        shown = ", ".join(map(str, replay.corrected[:limit]))
        what = "differ in a file; the log, which has checksums, is believed"
        print_line(out, f"    revisions {shown}{_more(replay.corrected, limit)} {what}", "yellow")
    if replay.uncommitted is not None:
        first, last = replay.uncommitted
        what = "not known to be committed; they are in, a client's write may be among them"
        print_line(out, f"    entries {first} to {last} are {what}", "yellow")
    if replay.missing_entries:
        shown = ", ".join(map(str, replay.missing_entries[:limit]))
        what = "in no log; each is taken for one revision"
        rest = _more(replay.missing_entries, limit)
        print_line(out, f"    entries {shown}{rest} are {what}", "yellow")
    for unread in replay.unread[:limit]:
        print_line(out, f"    {plain(unread)}", "yellow")


def _show_result(out: "Console", result: SalvageResult) -> None:
    compacted = f", compacted at {result.compact_revision}" if result.compact_revision > 0 else ""
    print_line(
        out,
        f"the new database: {_count(result.keys, 'key')}, {_count(result.records, 'record')}, "
        f"revision {result.revision}{compacted}",
        "bold",
    )


def _show_lost(out: "Console", result: SalvageResult, limit: int) -> None:
    for lost in result.lost[:limit]:
        print_line(out, f"  lost: {_range_text(lost)}", "red")
    if result.lost_count > limit:
        print_line(out, f"  and {result.lost_count - limit} more stretches", "red")
    if result.possibly_lost_count:
        what = "are gone: deleted, or changed for the last time in what is lost"
        print_line(out, f"  {_count(result.possibly_lost_count, 'key')} {what}", "yellow")
        _show_keys(out, result.possibly_lost_keys, result.possibly_lost_count, limit)


def _range_text(lost: LostRangeResult) -> str:
    first = _place(lost.first_revision, lost.first_sub)
    if lost.last_revision is None:
        return f"whatever was written from revision {lost.first_revision} on, if anything was"
    if lost.certain:
        if lost.first_revision == lost.last_revision:
            return f"revision {lost.first_revision}"
        return f"revisions {lost.first_revision} to {lost.last_revision}"
    last = _place(lost.last_revision, lost.last_sub or 0)
    if first == last:
        return f"what may have been left at revision {first}, after compactions"
    return f"what may have been left between revisions {first} and {last}, after compactions"


def _place(revision: int, sub: int) -> str:
    return f"{revision}.{sub}" if sub else str(revision)


def _show_uncertain(out: "Console", result: SalvageResult, limit: int) -> None:
    if result.doubtful_count:
        print_line(out, f"  doubtful: {_count(result.doubtful_count, 'record')}", "yellow")
    for record in result.doubtful[:limit]:
        print_line(out, f"    {_record(record)} {_WHY[record.why]}", "yellow")
    if result.doubtful_count > limit:
        print_line(out, f"    and {result.doubtful_count - limit} more", "yellow")
    if result.doubtful_left_out:
        what = "left out, as --proven-only asks"
        print_line(out, f"  {_count(result.doubtful_left_out, 'doubtful record')} {what}", "yellow")
    for conflict in result.conflicts[:limit]:
        others = ", ".join(map(plain, conflict.others))
        what = f"differs in {others}: {conflict.reason}"
        print_line(out, f"  {_record(conflict)} {what}", "yellow")
    if result.conflict_count > limit:
        print_line(out, f"  and {result.conflict_count - limit} more that differ", "yellow")


def _show_keys(out: "Console", keys: Sequence[RecordResult], count: int, limit: int) -> None:
    for key in keys[:limit]:
        print_line(out, f"    {_record(key)}", "yellow")
    if count > limit:
        print_line(out, f"    and {count - limit} more", "yellow")


def _record(record: RecordResult) -> str:
    key = record.key.encode() if record.key is not None else b64decode(record.key_base64 or "")
    return f"{shown_key(key)} at {_place(record.revision, record.sub)}"


def _show_others(out: "Console", result: SalvageResult) -> None:
    for bucket in result.buckets:
        if bucket.incomplete:
            filled = f", {bucket.filled} of them from an older file" if bucket.filled else ""
            what = f"rows may be missing or out of date; {bucket.rows} are in{filled}"
            print_line(out, f"  bucket {bucket.name}: {what}", "yellow")
    if result.keys_with_lost_lease:
        what = "have a lease that is lost: they will not expire"
        print_line(out, f"  {_count(result.keys_with_lost_lease, 'key')} {what}", "yellow")
    for user in result.users_without_password:
        print_line(out, f"  user {plain(user)} needs a new password: etcd 3.4 hashes it", "yellow")
    if result.alarms_left_out:
        what = "left out; etcd raises them again where they are still true"
        print_line(out, f"  {_count(result.alarms_left_out, 'alarm')} {what}")
    if result.auth_locked_out:
        what = "authentication is on and no root user is left who could log in to administer it"
        print_line(out, f"  {what}. --auth-off switches it off", "red")


def _show_end(out: "Console", result: SalvageResult) -> None:
    if result.complete:
        print_line(out, "  nothing is lost", "green")
    if result.file is None:
        print_line(out, "nothing was written: -o FILE writes it")
        return
    size = binary_size(result.size or 0)
    print_line(out, f"written in {result.seconds:.1f} s: {plain(result.file)}, {size}", "bold")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _more(listed: Sequence[int], limit: int) -> str:
    return f" and {len(listed) - limit} more" if len(listed) > limit else ""
