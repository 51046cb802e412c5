"""What is wrong with a bbolt file, and where: findings, gathered rather than raised."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from requorum.errors import DamagedInput

if TYPE_CHECKING:
    # The meta pages are read without numpy, by whoever must not wait until it is imported.
    import numpy as np
    import numpy.typing as npt

KEPT_MAX = 1000
"""A ruined file has millions of findings; the first thousand tell the story."""


@dataclass(frozen=True, slots=True)
class Damage:
    """One finding. `page` is the page number, `offset` the byte in the file."""

    page: int
    offset: int
    what: str

    def __str__(self) -> str:
        return f"page {self.page}, byte {self.offset}: {self.what}"


class DamageLog:
    """Keeps the first `KEPT_MAX` findings and counts them all."""

    def __init__(self) -> None:
        self.kept: list[Damage] = []
        self.total = 0

    def add(self, page: int, offset: int, what: str) -> None:
        """Note one finding."""
        self.total += 1
        if len(self.kept) < KEPT_MAX:
            self.kept.append(Damage(page, offset, what))

    def add_rows(
        self,
        pages: "npt.NDArray[np.int64]",
        offsets: "npt.NDArray[np.int64]",
        what: str,
        values: "npt.NDArray[np.int64] | npt.NDArray[np.uint64] | None" = None,
    ) -> None:
        """Note one finding per row; `{}` in `what` is replaced by the row's value."""
        room = KEPT_MAX - len(self.kept)
        shown = pages[:room] if values is None else values[:room]
        for page, offset, value in zip(
            pages[:room].tolist(), offsets[:room].tolist(), shown.tolist(), strict=True
        ):
            self.kept.append(Damage(page, offset, what.format(value)))
        self.total += len(pages)

    def raise_first(self) -> None:
        """Raise DamagedInput with the first finding, for readers that need a whole file."""
        if self.kept:
            raise DamagedInput(f"database {self.kept[0]}")
