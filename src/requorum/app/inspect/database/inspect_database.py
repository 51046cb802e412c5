"""The use case behind `requorum inspect snapshot` and `inspect db`."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass

from requorum.app.files.database_file import database_file, warnings_of
from requorum.app.files.places import Place
from requorum.app.inspect.database.content import content_result
from requorum.app.inspect.database.early_reading import EarlyReading
from requorum.app.inspect.database.largest import largest_result
from requorum.app.inspect.database.results import (
    DamageResult,
    InspectionResult,
    LargestResult,
    MetaResult,
    NumbersResult,
    PagesResult,
    StateResult,
)
from requorum.clients.hosts.local import LocalHost
from requorum.errors import DamagedInput
from requorum.formats.bbolt.damage import Damage
from requorum.formats.bbolt.meta import Meta, Metas
from requorum.formats.snapshot_file import split_trailer
from requorum.formats.source import Head, Source
from requorum.inspection.database_content import DatabaseContent, Findings
from requorum.inspection.file_verdict import FileVerdict, judge_file
from requorum.inspection.largest import largest

OnStage = Callable[[str], None]

_NONE = Findings((), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is asked for besides the verdict: so many largest keys, and each lease."""

    top: int | None = None
    leases: bool = False


async def inspect_database(
    name: str,
    wishes: Wishes,
    on_stage: OnStage,
    begun: EarlyReading = EarlyReading(),  # noqa: B008  # it cannot be changed
) -> InspectionResult:
    """Look at every byte of one file; `on_stage` is told what is done next.

    `begun` is what is read already by others.
    Damage is in the result. Raises UsageError where there is no such file, DamagedInput where it
    is another kind of file altogether.
    """
    async with database_file(name, LocalHost()) as (place, source):
        before = await place.host.stat(place.path)
        warnings = await warnings_of(place, source.size)
        on_stage("checking the SHA-256, every page and every record")
        verdict = await asyncio.to_thread(judge_file, source, begun.trailer, begun.content)
        ranking = None
        if wishes.top is not None:
            on_stage("ranking keys and prefixes")
            ranking = await asyncio.to_thread(_largest, source, wishes.top)
        if await place.host.stat(place.path) != before:
            warnings += (f"{place.name} was written to while it was read: inspect a copy of it",)
        return _result(place, verdict, warnings, ranking, wishes)


def _largest(source: Source, top: int) -> LargestResult | None:
    try:
        return largest_result(largest(Head(source, split_trailer(source).db_size), top))
    except DamagedInput:
        # Neither meta page is valid, as the verdict says.
        return None


def _result(
    place: Place,
    verdict: FileVerdict,
    warnings: tuple[str, ...],
    ranking: LargestResult | None,
    wishes: Wishes,
) -> InspectionResult:
    content = verdict.content
    damages = _NONE if content is None else content.damages
    contradictions = _NONE if content is None else content.contradictions
    return InspectionResult(
        file=_printable(place.name),
        size=verdict.size,
        verdict=verdict.verdict.value,
        reasons=verdict.reasons,
        warnings=tuple(map(_printable, warnings)),
        trailer=verdict.trailer.kind,
        numbers=_numbers(content),
        metas=_metas(verdict.metas),
        pages=_pages(content),
        records=0 if content is None else content.records,
        undecoded_records=0 if content is None else content.undecoded_records,
        state=_state(content, wishes),
        damage_count=damages.count,
        damages=tuple(map(_damage, damages.shown)),
        contradiction_count=contradictions.count,
        contradictions=tuple(map(_damage, contradictions.shown)),
        largest=ranking,
    )


def _numbers(content: DatabaseContent | None) -> NumbersResult | None:
    if content is None or content.status is None:
        return None
    return NumbersResult(**asdict(content.status))


def _metas(metas: Metas) -> tuple[MetaResult, ...]:
    current = metas.current.index if metas.valid else None
    return tuple(
        _meta(page, slot, current=page == current) for page, slot in enumerate(metas.slots)
    )


def _meta(page: int, slot: Meta | Damage, *, current: bool) -> MetaResult:
    if isinstance(slot, Damage):
        return MetaResult(page=page, valid=False, current=False, problem=slot.what)
    return MetaResult(
        page=page,
        valid=True,
        current=current,
        txid=slot.txid,
        root=slot.root,
        freelist=slot.freelist if slot.freelist_persisted else None,
        high_water_mark=slot.high_water_mark,
    )


def _pages(content: DatabaseContent | None) -> PagesResult | None:
    if content is None:
        return None
    return PagesResult(
        page_size=content.meta.page_size,
        reachable=content.reachable_pages,
        free=content.free_pages,
        bytes_in_use=content.bytes_in_use,
    )


def _state(content: DatabaseContent | None, wishes: Wishes) -> StateResult | None:
    if content is None or content.state is None:
        return None
    return content_result(content.state, content.auth, content.leases, list_leases=wishes.leases)


def _damage(damage: Damage) -> DamageResult:
    return DamageResult(page=damage.page, offset=damage.offset, what=damage.what)


def _printable(text: str) -> str:
    """Return a text with the bytes of a file's name that are no UTF-8 escaped."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
