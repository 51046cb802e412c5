"""Which records the checksum chain proves, and what damage it finds between them.

A record whose checksum fails has damaged data or a damaged checksum. The record behind it tells
which: it chains either to the checksum that is stored or to the one that was computed. So the
chain keeps at most two records undecided: an anchor, which nothing before it can prove, and
behind it a suspect, whose checksum failed.
"""

from dataclasses import dataclass
from enum import Enum

from requorum.formats.wal_records import RECORD_TYPES, Frame, Records, RecordType, next_crc


class WalDamageKind(Enum):
    """What is wrong at one place of a segment. etcd refuses or cuts a log at any of them."""

    DATA = "data does not match its checksum"
    CHECKSUM = "checksum is damaged, the next record proves the data"
    LENGTH = "length word is damaged, the checksum proves the data"
    EITHER = "one of two records is damaged, nothing tells which"
    RECORD = "frame holds no record"
    UNKNOWN_TYPE = "record is of an unknown type"
    GAP = "bytes are no records"
    TAIL = "bytes are no records, and none was found behind them"


@dataclass(frozen=True, slots=True)
class WalDamage:
    """Damage at [offset, offset + length); `length` is None where it reaches to the end.

    `lost` counts records that are not in `Segment.records`, 0 where all could be read in spite
    of the damage, None where nobody can know.
    """

    offset: int
    length: int | None
    kind: WalDamageKind
    detail: str
    lost: int | None


class Chain:
    """Takes frames in the order of the file; sorts them into records and damages."""

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self.records = Records(view)
        self.damages: list[WalDamage] = []
        self.running: int | None = None
        """The crc of the last record, proven; None while a record is undecided."""
        self.suspect: Frame | None = None
        self._suspect_crc = 0
        self._anchor: Frame | None = None

    def continues_with(self, found: Frame) -> bool:
        """Return whether `found` is proven by any crc that the chain may stand at."""
        return any(next_crc(self._view, found, base) == found.crc for base in self._possible_crcs())

    def _possible_crcs(self) -> tuple[int, ...]:
        if self.suspect is not None:
            return self.suspect.crc, self._suspect_crc
        if self._anchor is not None:
            return (self._anchor.crc,)
        return () if self.running is None else (self.running,)

    def add(self, found: Frame) -> None:
        """Take the frame that directly follows the last one."""
        if self.suspect is not None:
            self._add_behind_suspect(self.suspect, found)
            return
        bases = self._possible_crcs()
        if not bases:
            self._anchor = found
            return
        crc = next_crc(self._view, found, bases[0])
        if crc == found.crc:
            self._settle_anchor(proven=True)
            self._accept(found)
        else:
            self.suspect, self._suspect_crc, self.running = found, crc, None

    def _add_behind_suspect(self, suspect: Frame, found: Frame) -> None:
        if next_crc(self._view, found, suspect.crc) == found.crc:
            self._drop_suspect(suspect)
            self._accept(found)
        elif next_crc(self._view, found, self._suspect_crc) == found.crc:
            self._settle_anchor(proven=True)
            self.damage(suspect, WalDamageKind.CHECKSUM, lost=0)
            self.suspect = None
            self._accept(suspect)
            self._accept(found)
        else:
            self.interrupt()
            self._anchor = found

    def _drop_suspect(self, suspect: Frame) -> None:
        """Settle a suspect whose own checksum was found right: what led to it is wrong."""
        self.suspect = None
        if self._anchor is None:
            self.damage(suspect, WalDamageKind.DATA, lost=1)
            return
        # The anchor's checksum was never proven, so it may as well be the damaged one.
        self.damage(self._anchor, WalDamageKind.EITHER, lost=0, end=suspect.end)
        self._settle_anchor(proven=False)
        self._keep(suspect, verified=False)

    def _settle_anchor(self, *, proven: bool) -> None:
        """Accept the anchor, if there is one: it has the form of a record.

        A proven checksum proves nothing of the data that led to it, except where there is none.
        """
        if self._anchor is not None:
            self._keep(self._anchor, verified=proven and self._anchor.type == RecordType.CRC)
            self._anchor = None

    def _accept(self, found: Frame) -> None:
        self._keep(found, verified=True)
        self.running = found.crc

    def _keep(self, found: Frame, *, verified: bool) -> None:
        if found.type not in RECORD_TYPES:
            self.damage(found, WalDamageKind.UNKNOWN_TYPE, lost=1)
            return
        self.records.add(found, verified=verified)

    def interrupt(self) -> None:
        """Decide what is undecided without the help of a following record; begin anew."""
        self._settle_anchor(proven=False)
        if self.suspect is not None:
            self.damage(self.suspect, WalDamageKind.DATA, lost=1)
        self.suspect = self.running = None

    def forget_suspect(self) -> None:
        """Decide like `interrupt`, but leave out the suspect without a word: it was torn."""
        self._settle_anchor(proven=False)
        self.suspect = None

    def damage(
        self, found: Frame, kind: WalDamageKind, *, lost: int, end: int | None = None
    ) -> None:
        """Note damage of a frame, or of several up to `end`."""
        length = (end or found.end) - found.offset
        detail = f"record of type {found.type} at offset {found.offset}: {kind.value}"
        self.damages.append(WalDamage(found.offset, length, kind, detail, lost))
