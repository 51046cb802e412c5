"""How the results of `inspect snapshot` and `inspect db` are shown as text."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from requorum.app.inspect.database.results import (
    DamageResult,
    InspectionResult,
    MemberResult,
    MetaResult,
    PagesResult,
    StateResult,
)
from requorum.cli.output import console
from requorum.cli.render.aligned_text import Row, listed, plain, print_line, print_rows
from requorum.cli.render.auth import auth_rows
from requorum.cli.render.largest import show_largest
from requorum.cli.render.quick_numbers import number_rows, size_text
from requorum.errors import DamagedInput, RequorumError

if TYPE_CHECKING:
    from rich.console import Console

DAMAGES_SHOWN = 20
_VERDICTS = {
    "restorable": ("restorable", "bold green"),
    "restorable-without-hash": ("restorable with --skip-hash-check", "bold yellow"),
    "salvageable": ("not restorable, but salvageable", "bold red"),
    "not-usable": ("nothing of it can be used", "bold red"),
}
_TRAILERS = {
    "matches": "matches",
    "differs": "DIFFERS: the file was altered or cut after it was saved",
    "absent": "not there: a db that was copied has none",
}


def show_inspection(result: InspectionResult) -> None:
    """Print the result on stdout."""
    out = console(err=False)
    words, style = _VERDICTS[result.verdict]
    out.print(f"{plain(result.file)}: ", end="", markup=False)
    out.print(words, style=style)
    for reason in result.reasons:
        print_line(out, f"  {plain(reason)}")
    out.print()
    print_rows(out, _rows(result))
    _show_damages(out, result)
    if result.largest is not None:
        show_largest(out, result.largest)


def show_warnings(result: InspectionResult) -> None:
    """Print on stderr what to know before believing the result."""
    for warning in result.warnings:
        print_line(console(), f"warning: {plain(warning)}", style="yellow")


def exit_code(result: InspectionResult, *, trailer_expected: bool) -> int:
    """Return 0 where all is as it should be, 1 for findings, 5 where nothing can be used.

    A database that was copied out of a data directory has whole pages and no SHA-256.
    """
    if result.verdict == "not-usable":
        return DamagedInput.exit_code
    whole_pages = result.pages is not None and result.size % result.pages.page_size == 0
    copied = result.verdict == "restorable-without-hash" and result.trailer == "absent"
    sound = result.verdict == "restorable" or (copied and whole_pages and not trailer_expected)
    odd = result.contradiction_count or not all(meta.valid for meta in result.metas)
    return 0 if sound and not odd else RequorumError.exit_code


def _rows(result: InspectionResult) -> Iterator[Row]:
    if result.numbers is not None:
        yield from number_rows(result.numbers)
    else:
        yield "numbers", "hash and total keys cannot be had from damaged pages"
    yield "SHA-256", _TRAILERS[result.trailer]
    if result.state is not None:
        yield from _state_rows(result.state)
    if result.pages is not None:
        yield from _page_rows(result.pages, damaged=result.damage_count > 0)
    yield from listed("meta pages", map(_meta_text, result.metas))
    yield "records", str(result.records)
    if result.undecoded_records:
        yield "", f"{result.undecoded_records} of them do not decode"


def _state_rows(state: StateResult) -> Iterator[Row]:
    yield "cluster version", state.cluster_version or "none"
    yield "storage version", state.storage_version or "none: before 3.6"
    if state.downgrade is not None and state.downgrade.enabled:
        yield "downgrade", f"to {state.downgrade.target_version}, under way"
    term = "" if state.term is None else f", term {state.term}"
    yield "consistent index", f"{state.consistent_index}{term}"
    yield "current revision", str(state.current_revision)
    yield "compact revision", _compaction(state)
    yield from listed("members", map(_member_text, state.members))
    yield from listed("removed members", state.removed_members)
    if state.conf_state is not None:
        yield "voters", ", ".join(state.conf_state.voters)
        yield from listed("learners", state.conf_state.learners)
    yield from listed("ALARMS", (f"{alarm.kind} of {alarm.member}" for alarm in state.alarms))
    yield "leases", str(state.lease_count)
    for lease in state.leases or ():
        left = f", {lease.remaining_ttl} s of them left" if lease.remaining_ttl else ""
        yield "", f"{lease.id}: {lease.ttl} s{left}"
    yield from auth_rows(state.auth)


def _compaction(state: StateResult) -> str:
    scheduled, finished = state.scheduled_compact_revision, state.finished_compact_revision
    if state.compact_revision < 0:
        return "none"
    if scheduled is not None and scheduled > (finished or 0):
        done = "none before it" if finished is None else f"{finished} was the last that finished"
        return f"{scheduled}, under way: etcd finishes it when it starts ({done})"
    return str(state.compact_revision)


def _member_text(member: MemberResult) -> str:
    role = " (learner)" if member.learner else ""
    return f"{member.id}  {member.name or 'not started yet'}{role}  {' '.join(member.peer_urls)}"


def _page_rows(pages: PagesResult, *, damaged: bool) -> Iterator[Row]:
    total = pages.reachable + pages.free
    free = size_text(pages.free * pages.page_size)
    yield "pages", f"{total} of {pages.page_size} bytes"
    yield "", f"{pages.reachable} in use: {size_text(pages.bytes_in_use)}"
    if damaged:
        yield "", f"{pages.free} free, or out of reach because of the damage: {free}"
    else:
        yield "", f"{pages.free} free: {free}, which a defragmentation gives back"


def _meta_text(meta: MetaResult) -> str:
    if not meta.valid:
        return f"{meta.page}: {meta.problem}"
    current = ", the current one" if meta.current else ""
    mark = f"root page {meta.root}, high water mark {meta.high_water_mark}"
    return f"{meta.page}: transaction {meta.txid}{current}, {mark}"


def _show_damages(out: "Console", result: InspectionResult) -> None:
    _show_places(out, "damaged places", result.damage_count, result.damages)
    _show_places(
        out, "records that contradict themselves", result.contradiction_count, result.contradictions
    )


def _show_places(out: "Console", what: str, count: int, places: Sequence[DamageResult]) -> None:
    if not count:
        return
    many = count > DAMAGES_SHOWN
    out.print()
    print_line(out, f"{count} {what}{f', the first {DAMAGES_SHOWN}' if many else ''}:", style="red")
    for place in places[:DAMAGES_SHOWN]:
        print_line(out, f"  page {place.page}, byte {place.offset}: {plain(place.what)}")
    if many:
        print_line(
            console(), f"-o json has {'all' if len(places) == count else len(places)} of them"
        )
