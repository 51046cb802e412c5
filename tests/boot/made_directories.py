"""Data directories made of facts and a few bytes, for the pure tests of the prediction."""

from collections.abc import Iterable, Mapping, Sequence

from requorum.formats.backend import BackendMember, BackendState, Downgrade
from requorum.formats.bbolt.damage import Damage
from requorum.formats.bbolt.meta import Meta, Metas
from requorum.formats.raftpb import (
    ConfState,
    Entry,
    EntryType,
    HardState,
    encode_entry,
    encode_hard_state,
)
from requorum.formats.snap import Snap
from requorum.formats.source import BufferSource
from requorum.formats.wal import RecordType, frame, segment_name
from requorum.formats.wire import field_bytes, field_varint
from requorum.inspection.boot.database_facts import DatabaseFacts
from requorum.inspection.boot.directory import Directory, LogFacts, SnapFile
from requorum.inspection.boot.whole_log import read_whole_log

Content = tuple[RecordType, bytes | None]

MEMBER, CLUSTER = 0xA1, 0xC1
METADATA: Content = (RecordType.METADATA, field_varint(1, MEMBER) + field_varint(2, CLUSTER))
ZEROS = 2048


def entry(index: int, term: int = 2, data: bytes = b"", kind: int = 0) -> Content:
    """Return an entry; by default the empty one of a new leader."""
    return RecordType.ENTRY, encode_entry(Entry(EntryType(kind), term, index, data))


def state(commit: int, term: int = 2) -> Content:
    """Return a hard state."""
    return RecordType.STATE, encode_hard_state(HardState(term, 0, commit))


def mark(index: int, term: int = 2) -> Content:
    """Return the mark of a snapshot."""
    return RecordType.SNAPSHOT, field_varint(1, index) + field_varint(2, term)


def v2_request(path: str, value: str = "", method: str = "PUT") -> bytes:
    """Return an entry's data as 3.4 and 3.5 write it through the v2 API."""
    fields = [field_varint(1, 7), field_bytes(2, method.encode()), field_bytes(3, path.encode())]
    return b"".join(fields) + field_bytes(4, value.encode())


def version_set(version: str) -> bytes:
    """Return an entry's data as 3.5 and later set the cluster's version."""
    header = field_bytes(100, field_varint(1, 7))
    return header + field_bytes(1300, field_bytes(1, version.encode()))


def segment_bytes(records: Iterable[Content], running: int = 0) -> tuple[bytes, int]:
    """Return a segment with its head, and the checksum that the next one goes on from."""
    data = b""
    for kind, content in ((RecordType.CRC, None), METADATA, *records):
        framed, running = frame(kind, content, running)
        data += framed
    return data, running


def log_files(*segments: Sequence[Content]) -> list[tuple[str, bytearray]]:
    """Return the files of a log; the last one ends with zeros. Names follow the entries."""
    files, running, last_index = [], 0, -1
    for sequence, records in enumerate(segments):
        data, running = segment_bytes(records, running)
        files.append((segment_name(sequence, last_index + 1), bytearray(data)))
        last_index += sum(kind is RecordType.ENTRY for kind, _ in records) + (sequence == 0)
    files[-1][1].extend(bytes(ZEROS))
    return files


def log_of(*segments: Sequence[Content]) -> LogFacts:
    """Return a whole log; the first segment begins with the empty mark."""
    first, *others = segments
    return read(log_files([mark(0, 0), *first], *others))


def read(files: Iterable[tuple[str, bytes | bytearray]], *misnamed: str) -> LogFacts:
    """Return what is read of files."""
    sources = [(name, BufferSource(bytes(data))) for name, data in files]
    return read_whole_log(sources, misnamed=misnamed)


USUAL = log_of([entry(1), entry(2), state(2), mark(2), entry(3), state(3)])
"""A log of three entries, with a snapshot at the second."""


def snap(
    index: int = 2,
    term: int = 2,
    *,
    version: str | None = None,
    v2: bool = False,
    damage: str | None = None,
    removed: Sequence[int] = (),
) -> SnapFile:
    """Return a .snap file."""
    content = Snap(
        term=term,
        index=index,
        conf_state=ConfState(voters=(MEMBER,)),
        members=(),
        removed=tuple(removed),
        cluster_version=version,
        has_v2_data=v2,
    )
    name = f"{term:016x}-{index:016x}.snap"
    return SnapFile(name, 100, None if damage is not None else content, damage)


def database(
    index: int = 3,
    *,
    term: int | None = None,
    storage: str | None = None,
    version: str | None = None,
    members: Sequence[BackendMember] = (),
    removed: Sequence[int] = (),
    downgrade: Downgrade | None = None,
    damages: Sequence[Damage] = (),
    open_error: str | None = None,
    metas: Metas | None = None,
    size: int = 1 << 20,
    torn: Damage | None = None,
) -> DatabaseFacts:
    """Return what was found in a database; nothing wrong unless told otherwise.

    Its pages have `PAGES_SIZE` bytes: it is cut where `size` is less. `torn` is a damage besides.
    """
    found = BackendState(
        consistent_index=index,
        term=term,
        current_revision=index + 1,
        finished_compact_revision=None,
        scheduled_compact_revision=None,
        storage_version=storage,
        cluster_version=version,
        conf_state=None,
        members=tuple(members),
        removed_members=tuple(removed),
        alarms=(),
        auth_enabled=False,
        downgrade=downgrade,
    )
    return DatabaseFacts(
        size=size,
        metas=metas or Metas(4096, (_meta(0), _meta(1))),
        open_error=open_error,
        damages=(*damages, *([torn] if torn else [])),
        damage_count=len(damages) + (torn is not None),
        torn=torn,
        state=found,
    )


PAGES_SIZE = 100 * 4096


def _meta(index: int) -> Meta:
    return Meta(index, 4096, 3, 0, 100, 10 + index)


def one_damaged_meta() -> Metas:
    """Return metas of which the newer one has a wrong checksum."""
    return Metas(4096, (_meta(0), Damage(1, 4096, "meta page has a wrong checksum")))


def listed(member_id: int, *, learner: bool = False) -> BackendMember:
    """Return a row of the bucket `members`."""
    urls = (f"http://m{member_id:x}:2380",)
    return BackendMember(member_id, f"m{member_id:x}", urls, (), is_learner=learner)


def directory(
    log: LogFacts = USUAL,
    found: DatabaseFacts | None = None,
    snaps: Sequence[SnapFile] | None = None,
    *,
    snap_dbs: Mapping[int, DatabaseFacts] | None = None,
    without_database: bool = False,
    **more: object,
) -> Directory:
    """Return a directory: the usual one, but for what is given."""
    return Directory(
        log=log,
        database=None if without_database else found or database(),
        snaps=(snap(),) if snaps is None else tuple(snaps),
        snap_dbs=snap_dbs or {},
        **more,  # type: ignore[arg-type]
    )
