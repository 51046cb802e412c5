"""The long matrix: every ailment, members of three, other clusters' databases, other versions."""

import asyncio
import shutil
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

import ailments
import pytest
from booted import boot
from comparison import Compared, compare, predicted
from recorded_dirs import RecordedDirs, copy_for_boot
from test_boot_prediction import BOOTABLE_ALL_THE_SAME

from requorum.clients.etcd.client import connect
from requorum.inspection.boot.prediction import Outcome
from requorum.lab.damage.sparse import copy_tree_sparse
from requorum.lab.layout import Lab
from requorum.lab.member_flags import member_argv
from requorum.lab.obtain.command import etcd_version
from requorum.lab.practice import crash, up, wait_ready
from requorum.lab.process import kill_all, spawn_daemon
from requorum.ports.etcd import PutOp

BinariesOf = Callable[[str], Path]

pytestmark = [pytest.mark.etcd, pytest.mark.slow, pytest.mark.timeout(240)]

MINORS = ("3.4", "3.5", "3.6", "3.7")
UPWARD = [(old, new) for old in MINORS for new in MINORS if old < new]
DOWNWARD = [(new, old) for old, new in UPWARD]
_VALUE = b"0123456789abcdef" * (1 << 16)


BLIND_SPOTS = BOOTABLE_ALL_THE_SAME | {"database_of_another_time_without_snaps"}
"""The old database here is of its cluster's first second, and does not say yet that 3.7 wrote it:
that 3.7 goes by the log's marks, recover cannot know then."""


def check(found: Compared, what: str, *, recover_knows: bool = True) -> None:
    """Assert that the prediction came true, and that recover would not have started it."""
    assert found.agree, f"{what}: {found}"
    if found.booted.ended and recover_knows:
        assert found.not_bootable, f"{what}: recover would start it; {found}"


@pytest.mark.parametrize("name", sorted(set(ailments.ALL) - ailments.FAST))
def test_etcd_does_what_was_predicted(
    name: str, etcd_minor: str, recorded_dirs: RecordedDirs, tmp_path: Path
) -> None:
    """Every ailment that the quick test leaves out."""
    lab = copy_for_boot(recorded_dirs(etcd_minor), tmp_path / "boot")
    ailments.ALL[name](lab.data_dir("etcd1"))
    found = compare(lab, version=lab.etcd_version)
    check(found, name, recover_knows=name not in BLIND_SPOTS)


@pytest.mark.parametrize(
    "name",
    [
        "nothing",
        "database_missing",
        "leaders_database_not_yet_renamed",
        "entry_flipped",
        "end_torn_off",
        "last_segment_missing",
    ],
)
def test_a_member_of_three_without_its_peers(
    name: str, etcd_minor: str, recorded_dirs: RecordedDirs, tmp_path: Path
) -> None:
    """It gets as far as raft, or fails as told."""
    lab = copy_for_boot(recorded_dirs(etcd_minor, 3), tmp_path / "boot", "etcd2")
    ailments.ALL[name](lab.data_dir("etcd2"))
    check(compare(lab, "etcd2", version=lab.etcd_version, peerless=True), name)


def test_the_database_of_another_member_does(
    etcd_minor: str, recorded_dirs: RecordedDirs, tmp_path: Path
) -> None:
    """Members of one cluster have the same database; nothing in it says whose it is."""
    recorded = recorded_dirs(etcd_minor, 3)
    lab = copy_for_boot(recorded, tmp_path / "boot")
    other = ailments.database(recorded.data_dir("etcd2"))
    shutil.copyfile(other, ailments.database(lab.data_dir("etcd1")))
    found = compare(lab, version=lab.etcd_version, peerless=True)
    check(found, "another member's database")


def test_the_database_of_another_cluster_is_told(
    etcd_minor: str, recorded_dirs: RecordedDirs, tmp_path: Path
) -> None:
    """From 3.6 on it lists other members, and etcd dies as soon as it announces itself."""
    lab = copy_for_boot(recorded_dirs(etcd_minor), tmp_path / "boot")
    other = ailments.database(recorded_dirs(etcd_minor, 3).data_dir())
    shutil.copyfile(other, ailments.database(lab.data_dir("etcd1")))
    found = compare(lab, version=lab.etcd_version)
    check(found, "another cluster's database", recover_knows=False)
    if etcd_minor >= "3.6":
        assert found.prediction.signature is not None
        assert found.prediction.signature.id == "member-unknown"


@pytest.mark.parametrize(("made_by", "started_by"), UPWARD + DOWNWARD)
@pytest.mark.parametrize("with_snaps", [True, False], ids=["snaps", "no-snaps"])
def test_data_of_one_minor_started_by_another(
    made_by: str,
    started_by: str,
    recorded_dirs: RecordedDirs,
    etcd_binaries: BinariesOf,
    tmp_path: Path,
    *,
    with_snaps: bool,
) -> None:
    """Later ones start it; earlier ones refuse it, if they can tell."""
    bin_dir = etcd_binaries(started_by)
    lab = copy_for_boot(recorded_dirs(made_by), tmp_path / "boot", bin_dir=bin_dir)
    if not with_snaps:
        ailments.all_snaps_missing(lab.data_dir("etcd1"))
    found = compare(lab, version=str(etcd_version(bin_dir / "etcd")))
    check(found, f"{made_by} by {started_by}", recover_knows=False)


@pytest.mark.parametrize("made_by", ["3.4", "3.5"])
def test_a_log_with_what_3_4_and_3_5_wrote_for_themselves(
    made_by: str, recorded_dirs: RecordedDirs, etcd_binaries: BinariesOf, tmp_path: Path
) -> None:
    """Both announce themselves through the v2 API at each start: 3.6 reads it, 3.7 dies of it."""
    lab = copy_for_boot(recorded_dirs(made_by), tmp_path / "boot")
    assert boot(lab).ready
    for started_by, ends in (("3.6", False), ("3.7", True)):
        bin_dir = etcd_binaries(started_by)
        copy = _copy(lab, tmp_path / started_by, bin_dir)
        found = compare(copy, version=str(etcd_version(bin_dir / "etcd")))
        check(found, f"{made_by} by {started_by}", recover_knows=False)
        assert found.booted.ended is ends


@pytest.mark.parametrize("made_by", ["3.4", "3.5"])
@pytest.mark.parametrize("keys", [2, 30], ids=["in-the-log", "in-a-snapshot"])
def test_keys_of_the_v2_api(
    made_by: str, keys: int, recorded_dirs: RecordedDirs, etcd_binaries: BinariesOf, tmp_path: Path
) -> None:
    """3.6 and later refuse them, wherever they are."""
    lab = copy_for_boot(recorded_dirs(made_by), tmp_path / "boot")
    _put_v2_keys(lab, keys)
    for started_by in (made_by, "3.6", "3.7"):
        bin_dir = etcd_binaries(started_by)
        copy = _copy(lab, tmp_path / started_by, bin_dir)
        found = compare(copy, version=str(etcd_version(bin_dir / "etcd")))
        check(found, f"{made_by} with v2 keys by {started_by}", recover_knows=False)
        assert found.booted.ended is (started_by != made_by)


@pytest.mark.parametrize("minor", ["3.5", "3.7"])
def test_segments_of_full_size(minor: str, etcd_binaries: BinariesOf, tmp_path: Path) -> None:
    """Three segments that etcd itself cut at 64 MB, whole and with one missing."""
    lab = up(tmp_path / "lab", bin_dir=etcd_binaries(minor), members=1)
    try:
        asyncio.run(_fill(lab, megabytes=132))
    finally:
        crash(lab.directory)
    assert len(ailments.segments(lab.data_dir("etcd1"))) == 3
    for name in ("nothing", "entry_flipped", "middle_segment_missing", "last_segment_missing"):
        copy = _copy(lab, tmp_path / name, lab.bin_dir)
        ailments.ALL[name](copy.data_dir("etcd1"))
        check(compare(copy, version=lab.etcd_version), name)
        shutil.rmtree(copy.directory)


def test_a_directory_in_use_waits(
    etcd_minor: str, recorded_dirs: RecordedDirs, tmp_path: Path
) -> None:
    """While a member runs on it, a second etcd would wait for its lock."""
    lab = copy_for_boot(recorded_dirs(etcd_minor), tmp_path / "boot")
    other_ports = copy_for_boot(recorded_dirs(etcd_minor), tmp_path / "other").members
    process = spawn_daemon(member_argv(lab, "etcd1"), log=lab.log("etcd1"), env={"HOME": "/"})
    try:
        asyncio.run(_wait(lab))
        prediction = predicted(lab.data_dir("etcd1"), lab.etcd_version)
        second = lab.model_copy(update={"members": other_ports})
        booted = boot(second, until="raft", deadline=1.5)
    finally:
        kill_all([process])
    assert prediction.outcome is Outcome.WAITS
    assert not booted.raft
    assert not booted.ended


def _copy(lab: Lab, directory: Path, bin_dir: Path) -> Lab:
    copy_tree_sparse(lab.directory, directory)
    return lab.model_copy(update={"directory": directory, "bin_dir": bin_dir})


async def _wait(lab: Lab) -> None:
    def client(endpoint: str) -> object:
        return connect(endpoint, tls=None, credentials=None)

    await wait_ready(lab, client, deadline=30)  # type: ignore[arg-type]


async def _fill(lab: Lab, *, megabytes: int) -> None:
    await _wait(lab)
    etcd = connect(lab.client_url("etcd1"), tls=None, credentials=None)
    try:
        for number in range(megabytes):
            await etcd.put(PutOp(b"large/%d" % (number % 8), _VALUE), deadline=30)
    finally:
        await etcd.close()


def _put_v2_keys(lab: Lab, count: int) -> None:
    argv = [*member_argv(lab, "etcd1"), "--enable-v2"]
    process = spawn_daemon(argv, log=lab.log("etcd1"), env={"HOME": "/"})
    try:
        asyncio.run(_wait(lab))
        for number in range(count):
            _put_v2(lab.member("etcd1").client_port, f"/v2/keys/foo{number}")
    finally:
        kill_all([process])


def _put_v2(port: int, path: str) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("PUT", path, body="value=bar", headers=headers)
    assert connection.getresponse().status == HTTPStatus.CREATED
    connection.close()
