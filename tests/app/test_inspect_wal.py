"""The use case behind `requorum inspect wal`, on logs made by hand."""

from collections.abc import Callable
from pathlib import Path

import bbolt_builder
import pytest
from made_wal import (
    MadeWal,
    WalRecord,
    delete,
    entries,
    entry,
    lease_grant,
    lease_revoke,
    mark,
    put,
    request,
    state,
)

from requorum.app.inspect.wal.inspect_wal import WalInspection, WalWishes, inspect_wal
from requorum.app.inspect.wal.results import LeaseRevokeDetail, UndecodableDetail, V2Detail
from requorum.errors import DamagedInput, UsageError
from requorum.formats.mvcc import KeyValue, Revision, RevisionKey
from requorum.formats.wire import field_bytes
from requorum.inspection.key_choice import KeyChoice
from requorum.inspection.wal_filter import WalFilter

LEASE = 0x694D_0000_0000_0005
Inspect = Callable[..., WalInspection]


def no_progress(_: int) -> None:
    """Nobody looks."""


@pytest.fixture
def inspect(tmp_path: Path) -> Inspect:
    """Return a function: writes a log as that of a data directory, and inspects it."""

    def run(wal: MadeWal, **wishes: object) -> WalInspection:
        path = str(wal.write(tmp_path / "data"))
        return inspect_path(path, **wishes)

    return run


def inspect_path(path: str, **wishes: object) -> WalInspection:
    """Inspect a path; what is no wish belongs to the filter."""
    names = ("values", "lease_keys", "database", "limit", "from_end")
    wish = {name: wishes.pop(name) for name in names if name in wishes}
    which = WalFilter(**wishes)  # type: ignore[arg-type]
    return inspect_wal(
        path,
        WalWishes(which=which, **wish),  # type: ignore[arg-type]
        on_size=no_progress,
        on_bytes=no_progress,
    )


def indexes(found: WalInspection) -> list[int | None]:
    """Return the indexes of what is told."""
    return [record.index for record in found.records()]


def ten_puts(cuts: tuple[int, ...] = ()) -> MadeWal:
    """Return ten entries with a hard state behind them."""
    return MadeWal([*entries(*(put(b"k%d" % n) for n in range(1, 11))), state(9)], cuts)


@pytest.mark.parametrize("inside", ["", "member", "member/wal"])
def test_a_log_is_found_wherever_one_may_look(
    inspect: Inspect, tmp_path: Path, inside: str
) -> None:
    """A data directory, its member directory, or the WAL's own."""
    inspect(ten_puts())
    found = inspect_path(str(tmp_path / "data" / inside) + "/")
    assert indexes(found) == list(range(1, 11))


def test_one_segment_alone(inspect: Inspect, tmp_path: Path) -> None:
    """It is no damage that others are not looked at, nor that it has no tail."""
    inspect(ten_puts(cuts=(5,)))
    first, second = sorted((tmp_path / "data" / "member" / "wal").iterdir())
    found = inspect_path(str(first))
    assert indexes(found) == list(range(1, 6))
    assert found.summary().path == str(first)
    assert not inspect_path(str(second)).summary().damaged


def test_where_there_is_no_log(tmp_path: Path) -> None:
    """The hint says what to name."""
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(UsageError) as caught:
            inspect_path(str(path))
        assert "member/wal" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x07" * 5000, "no record can be read"),
        (b"", "is empty, and no log"),
        (b"\x1f\x8b" + b"\x01" * 500, "is compressed with gzip, and no log"),
    ],
)
def test_where_nothing_can_be_read(tmp_path: Path, content: bytes, said: str) -> None:
    """That is damaged input; a file of another kind is named as what it is."""
    path = tmp_path / f"{'0' * 16}-{'0' * 16}.wal"
    path.write_bytes(content)
    with pytest.raises(DamagedInput, match=said):
        inspect_path(str(path))


def test_a_database_is_no_log(tmp_path: Path) -> None:
    """The hint names the command that reads it."""
    path = tmp_path / "db"
    path.write_bytes(database([]))
    with pytest.raises(DamagedInput, match="is a database") as caught:
        inspect_path(str(path))
    assert caught.value.hint == f"`requorum inspect db {path}` reads it."


@pytest.mark.parametrize("cuts", [(), (5,), (2, 4, 6)])
def test_the_first_and_the_last(inspect: Inspect, tmp_path: Path, cuts: tuple[int, ...]) -> None:
    """Of what is asked for; the segments do not matter."""
    assert indexes(inspect(ten_puts(cuts), limit=3)) == [1, 2, 3]
    data = str(tmp_path / "data")
    assert indexes(inspect_path(data, from_end=3)) == [8, 9, 10]
    assert indexes(inspect_path(data, from_end=99)) == list(range(1, 11))
    assert indexes(inspect_path(data, from_end=2, to_index=6)) == [5, 6]
    assert indexes(inspect_path(data, from_index=3, to_index=5)) == [3, 4, 5]
    assert indexes(inspect_path(data, keys=KeyChoice(b"k7"))) == [7]


def test_the_last_ones_do_not_need_the_early_segments(
    inspect: Inspect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are read once, for the survey, and not again."""
    found = inspect(ten_puts((2, 4, 6)), from_end=3)
    read: list[str] = []
    files = found._files
    original = files.read
    monkeypatch.setattr(files, "read", lambda name: read.append(name) or original(name))
    assert indexes(found) == [8, 9, 10]
    assert read == [files.names[-1]]


def test_a_summary_tells_of_the_whole_log(inspect: Inspect) -> None:
    """Whatever was asked for."""
    records: list[WalRecord] = [mark(0, 0), *entries(b"", put(b"a")), state(2)]
    records += [entry(3, put(b"b")), entry(3, put(b"c"), term=5)]
    found = inspect(MadeWal(records, cuts=[4]), limit=1)
    assert len(indexes(found)) == 1
    summary = found.summary()
    assert (summary.member, summary.cluster) == ("8e9e05c52164694d", "cdf818194e3a8c32")
    assert (summary.entries, summary.first_index, summary.last_index) == (3, 1, 3)
    assert (summary.superseded, summary.doubtful, summary.shown) == (1, 0, 1)
    assert [(t.term, t.first_index, t.last_index) for t in summary.terms] == [(2, 1, 2), (5, 3, 3)]
    assert (summary.term, summary.commit, summary.committed_to) == (2, 2, 2)
    assert [(s.index, s.term) for s in summary.snapshots] == [(0, 0)]
    assert [(s.entries, s.first_index, s.last_index) for s in summary.segments] == [
        (2, 1, 2),
        (2, 3, 3),
    ]
    assert (summary.ending, summary.damaged, summary.in_use) == ("clean", False, False)


def test_damage_is_in_the_summary_whatever_is_asked_for(inspect: Inspect) -> None:
    """With segment, byte and size; the entry that is lost is named."""
    wal = ten_puts()
    start = wal.segments[0].damage(4)
    found = inspect(wal, keys=KeyChoice(b"k1"))
    assert indexes(found) == [1]
    summary = found.summary()
    assert summary.damaged
    assert [(d.segment, d.offset, d.lost) for d in summary.damages] == [
        (wal.segments[0].name, start, 1)
    ]
    assert [(m.first_index, m.last_index, m.reason) for m in summary.missing] == [(5, 5, "lost")]


def test_a_torn_end_is_no_damage(inspect: Inspect) -> None:
    """It is what a crash leaves, and etcd mends it; it is noted with its byte."""
    wal = ten_puts()
    start, end = wal.segments[0].frames[-1]
    del wal.segments[0].data[(start + end) // 2 :]
    found = inspect(wal)
    assert indexes(found) == list(range(1, 11))
    summary = found.summary()
    assert (summary.ending, summary.damaged) == ("torn", False)
    assert f"torn at byte {start}" in summary.notes[0]


def test_a_missing_last_segment(inspect: Inspect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full segment without a next one is told, unless it was named alone."""
    monkeypatch.setattr("requorum.inspection.wal_survey.SEGMENT_BYTES", 1)
    wal = ten_puts((5,))
    del wal.segments[1]
    found = inspect(wal)
    assert [d.what for d in found.summary().damages] == [
        "it is full, and no segment follows it: one may be missing"
    ]
    alone = inspect_path(f"{found.summary().path}/{wal.segments[0].name}")
    assert not alone.summary().damaged


def test_an_entry_that_cannot_be_decoded(inspect: Inspect) -> None:
    """Its checksum is right; etcd would panic on it. So it is damage."""
    found = inspect(MadeWal([entry(1, b"\xff\xff"), state(1)]))
    (record,) = found.records()
    assert isinstance(record.detail, UndecodableDetail)
    (damage,) = found.summary().damages
    assert damage.what.startswith("entry 1 cannot be decoded")
    assert found.summary().damaged


def test_values_are_hidden_unless_asked_for(inspect: Inspect, tmp_path: Path) -> None:
    """As text where they are text, else in base64; their size is always told."""
    wal = MadeWal(entries(put(b"a", b"secret\n"), put(b"b", b"\xff\0"), put(b"c", b"\x1b[31m")))
    hidden = [record.operations[0] for record in inspect(wal).records()]
    assert [(o.value_size, o.value, o.value_base64) for o in hidden] == [
        (7, None, None),
        (2, None, None),
        (5, None, None),
    ]
    found = inspect_path(str(tmp_path / "data"), values=True)
    shown = [record.operations[0] for record in found.records()]
    assert [(o.value, o.value_base64) for o in shown] == [
        ("secret\n", None),
        (None, "/wA="),
        (None, "G1szMW0="),
    ]


@pytest.mark.parametrize(
    ("path", "hidden", "asked"),
    [("/0/version", "x", "x"), ("/1/key", None, "x"), ("/2/users/root", None, None)],
)
def test_values_of_the_v2_api(
    inspect: Inspect, tmp_path: Path, path: str, hidden: str | None, asked: str | None
) -> None:
    """Those of etcd itself are shown, users' if asked for, and password hashes never."""
    content = b"".join(field_bytes(n, t.encode()) for n, t in ((2, "PUT"), (3, path), (4, "x")))
    inspect(MadeWal(entries(content)))
    for values, shown in ((False, hidden), (True, asked)):
        (record,) = inspect_path(str(tmp_path / "data"), values=values).records()
        assert isinstance(record.detail, V2Detail)
        assert (record.detail.value, record.detail.value_base64) == (shown, None)


def test_no_password_is_ever_told(inspect: Inspect) -> None:
    """Not even with --values."""
    secrets = [field_bytes(1, b"u") + field_bytes(n, b"hunter2") for n in (2, 3, 4)]
    contents = [request(number, s) for number in (1012, 1100, 1103) for s in secrets]
    found = inspect(MadeWal(entries(*contents)), values=True, all_records=True)
    told = [record.model_dump_json() for record in found.records()]
    assert len(told) > len(contents)
    assert not any("hunter2" in line for line in told)


def database(attached: list[tuple[bytes, int]], index: int = 2) -> bytes:
    """Return a database at an index, with keys and their leases."""
    records = [
        (RevisionKey(Revision(main)).encode(), KeyValue(key, main, main, 1, b"", lease).encode())
        for main, (key, lease) in enumerate(attached, start=2)
    ]
    meta = {b"consistent_index": index.to_bytes(8, "big")}
    built = bbolt_builder.build({b"key": records, b"meta": meta.items()})
    return bytes(built.source.read(0, built.source.size))


def leased() -> MadeWal:
    """Return a log that revokes a lease it knows, and one that is older than it."""
    return MadeWal(
        entries(
            lease_grant(LEASE), put(b"/new", lease=LEASE), lease_revoke(LEASE), lease_revoke(77)
        )
    )


def keys_told(found: WalInspection) -> list[tuple[str | None, ...] | None]:
    """Return the keys of each revocation that is told."""
    details = [r.detail for r in found.records() if isinstance(r.detail, LeaseRevokeDetail)]
    return [None if d.keys is None else tuple(k.key for k in d.keys) for d in details]


def test_which_keys_a_revocation_deleted(inspect: Inspect, tmp_path: Path) -> None:
    """The log tells them, where somebody asks; a database beside it knows older ones."""
    assert keys_told(inspect(leased())) == [None, None]
    data = tmp_path / "data"
    assert keys_told(inspect_path(str(data), lease_keys=True)) == [("/new",), ()]
    other = tmp_path / "backup.db"
    other.write_bytes(database([(b"/old", 77)]))
    assert keys_told(inspect_path(str(data), database=str(other))) == [(), ("/old",)]
    (data / "member" / "snap").mkdir()
    (data / "member" / "snap" / "db").write_bytes(database([(b"/old", 77)], index=0))
    assert keys_told(inspect_path(str(data), lease_keys=True)) == [("/new",), ("/old",)]


def test_who_deleted_a_key_with_its_lease(inspect: Inspect, tmp_path: Path) -> None:
    """And how many revocations there are of which nobody can tell."""
    which = {"keys": KeyChoice(b"/new"), "kinds": frozenset({"delete"})}
    found = inspect(leased(), **which)
    assert indexes(found) == [3]
    assert found.summary().revokes_unknown == 1


def test_a_database_that_is_damaged_or_not_there(inspect: Inspect, tmp_path: Path) -> None:
    """A damaged one is noted and the log asked alone; one that was named must be there."""
    inspect(leased())
    data, bad = str(tmp_path / "data"), tmp_path / "bad.db"
    bad.write_bytes(b"no database" * 1000)
    found = inspect_path(data, database=str(bad))
    assert keys_told(found) == [("/new",), ()]
    assert "cannot say which keys had a lease" in found.summary().notes[0]
    with pytest.raises(UsageError):
        inspect_path(data, database=str(tmp_path / "none.db"))


def test_superseded_entries(inspect: Inspect, tmp_path: Path) -> None:
    """They are told if asked for, and their leases count for nothing."""
    records = [entry(1, lease_grant(LEASE)), entry(2, put(b"/gone", lease=LEASE))]
    records += [entry(2, delete(b"/x"), term=3), entry(3, lease_revoke(LEASE), term=3)]
    inspect(MadeWal(records))
    data = str(tmp_path / "data")
    assert indexes(inspect_path(data)) == [1, 2, 3]
    assert indexes(inspect_path(data, superseded=True)) == [1, 2, 2, 3]
    assert keys_told(inspect_path(data, superseded=True, lease_keys=True)) == [()]


def test_a_segment_of_a_failing_disk(
    inspect: Inspect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can be read around the bad sector is read, and the sector is damage."""
    wal = MadeWal([*entries(*(put(b"k%d" % n, b"x" * 900) for n in range(1, 31))), state(29)])
    wal.write(tmp_path / "data")

    def read(source: object, offset: int, length: int) -> memoryview:
        if offset < 12288 and offset + length > 8192:
            raise DamagedInput(f"byte {offset}: input/output error")
        return memoryview(bytes(wal.segments[0].data[offset : offset + length]))

    monkeypatch.setattr("requorum.clients.hosts.local_source.FileSource.read", read)
    found = inspect_path(str(tmp_path / "data"))
    told = [index for index in indexes(found) if index is not None]
    assert 22 <= len(told) < 28
    assert told[-1] == 30
    assert any("input/output error" in damage.what for damage in found.summary().damages)
