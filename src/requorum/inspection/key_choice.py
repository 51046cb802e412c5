"""Which keys somebody asks about: one, or all with a prefix."""

from dataclasses import dataclass

from requorum.formats.requests import Put
from requorum.inspection.alignment import in_range
from requorum.inspection.entry_story import KeyOperation

TO_THE_END = b"\0"
"""As `range_end`: no upper end."""


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """One key, or with `is_prefix` every key that begins with it."""

    key: bytes
    is_prefix: bool = False

    def takes(self, key: bytes) -> bool:
        """Return whether `key` is asked about."""
        return key.startswith(self.key) if self.is_prefix else key == self.key

    def meets(self, operation: KeyOperation) -> bool:
        """Return whether the operation may touch a key that is asked about."""
        if isinstance(operation, Put) or not operation.range_end:
            return self.takes(operation.key)
        if not self.is_prefix:
            return in_range(self.key, operation.key, operation.range_end)
        return _overlap(operation.key, operation.range_end, self.key, prefix_end(self.key))


def _overlap(start: bytes, end: bytes, other_start: bytes, other_end: bytes) -> bool:
    return _before_end(start, other_end) and _before_end(other_start, end)


def _before_end(key: bytes, end: bytes) -> bool:
    return end == TO_THE_END or key < end


def prefix_end(prefix: bytes) -> bytes:
    r"""Return the `range_end` that, with `prefix` as key, means every key that begins with it."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes([stripped[-1] + 1]) if stripped else TO_THE_END
