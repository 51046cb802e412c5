"""The rankings of keys and prefixes, as they are printed."""

from requorum.app.files.bytes_shown import text_or_base64
from requorum.app.inspect.database.results import LargestResult, RankedResult, UsageResult
from requorum.inspection.largest import Largest, Ranked, Usage


def largest_result(largest: Largest) -> LargestResult:
    """Return them with names that are text, or in base64 where they are none."""
    return LargestResult(
        total=_usage(largest.total),
        undecoded=largest.undecoded,
        prefixes_by_bytes=tuple(map(_ranked, largest.prefixes_by_bytes)),
        prefixes_by_revisions=tuple(map(_ranked, largest.prefixes_by_revisions)),
        keys_by_bytes=tuple(map(_ranked, largest.keys_by_bytes)),
        keys_by_revisions=tuple(map(_ranked, largest.keys_by_revisions)),
    )


def _ranked(ranked: Ranked) -> RankedResult:
    name, name_base64 = text_or_base64(ranked.name)
    return RankedResult(name=name, name_base64=name_base64, usage=_usage(ranked.usage))


def _usage(usage: Usage) -> UsageResult:
    return UsageResult(
        keys=usage.keys,
        revisions=usage.revisions,
        bytes=usage.bytes,
        bytes_live=usage.bytes_live,
        bytes_history=usage.bytes_history,
    )
