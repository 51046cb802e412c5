"""The text of a file, with the path that messages name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextFile:
    """One file as it was read."""

    path: str
    text: str
