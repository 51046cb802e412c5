"""Which branch of a transaction runs, where its comparisons alone decide it.

What a comparison finds is not in the log, but some find the same whatever there is. No comparison
at all holds always; a key's version, its revisions and the length of its value are never negative.
Source: etcd server/etcdserver/txn/txn.go (compareToPath, applyCompare, compareKV): a key that is
not there has version and revisions 0, and no value, which no comparison of values holds for.
"""

from collections.abc import Sequence
from enum import StrEnum

from requorum.formats.requests import Compare, CompareResult, CompareTarget, Txn

_NEVER_NEGATIVE = (CompareTarget.VERSION, CompareTarget.CREATE, CompareTarget.MOD)
_INT64_MAX = (1 << 63) - 1


class Runs(StrEnum):
    """Whether an operation of an entry that etcd applies is carried out."""

    ALWAYS = "always"
    PERHAPS = "perhaps"
    NEVER = "never"

    def within(self, outer: "Runs") -> "Runs":
        """Return whether it is, in a branch of which `outer` says whether it runs."""
        if Runs.NEVER in (self, outer):
            return Runs.NEVER
        return Runs.PERHAPS if Runs.PERHAPS in (self, outer) else Runs.ALWAYS


def branches_of(txn: Txn) -> tuple[Runs, Runs]:
    """Return whether the branch for success runs, and the one for failure."""
    found = _conclusion(txn.compare)
    if found is None:
        return Runs.PERHAPS, Runs.PERHAPS
    return (Runs.ALWAYS, Runs.NEVER) if found else (Runs.NEVER, Runs.ALWAYS)


def _conclusion(compares: Sequence[Compare]) -> bool | None:
    """Return whether all hold, None where that depends on the keys."""
    held = [_holds(compare) for compare in compares]
    if any(found is False for found in held):
        return False
    return True if all(held) else None


def _holds(compare: Compare) -> bool | None:
    """Return what the comparison finds whatever there is, None where it depends on that."""
    result, operand = compare.result, compare.operand
    if isinstance(operand, bytes):
        return False if result is CompareResult.LESS and not operand else None
    if compare.target not in _NEVER_NEGATIVE:
        return None
    never = {
        CompareResult.LESS: operand <= 0,
        CompareResult.GREATER: operand == _INT64_MAX,
        CompareResult.EQUAL: operand < 0,
    }
    always = {CompareResult.GREATER: operand < 0, CompareResult.NOT_EQUAL: operand < 0}
    if never.get(result, False):
        return False
    return True if always.get(result, False) else None
