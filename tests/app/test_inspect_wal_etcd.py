"""Logs that real etcd releases wrote; and who deleted a key, in each of the ways there are."""

import json
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from wal_data import LoggingEtcd

from requorum.cli.main import cli
from requorum.lab.damage import wal
from requorum.lab.damage.sparse import copy_tree_sparse

pytestmark = pytest.mark.etcd

MINORS = ["3.4", "3.5", "3.6", "3.7"]
SECRETS = ("first-secret", "second-secret", "root-secret")
ODD_KEY = "/odd\x1b[2J\nkey"
PROMOTION_SECONDS = 30.0


@dataclass
class Written:
    """The data directory of a member that was killed, and the leases that were granted."""

    minor: str
    data_dir: Path
    leases: list[str]

    def inspect(self, *options: str) -> Result:
        """Run the command on it."""
        return CliRunner().invoke(cli, ["inspect", "wal", str(self.data_dir), *options])

    def records(self, *options: str) -> list[dict[str, Any]]:
        """Return the records that the command tells."""
        done = self.inspect(*options, "-o", "jsonl")
        assert done.exit_code == 0, done.output
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module", params=MINORS)
def written(
    request: pytest.FixtureRequest,
    etcd_binaries: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Written]:
    """Let an etcd of each minor be asked for all that it knows, then kill it."""
    directory = tmp_path_factory.mktemp("told")
    binaries = etcd_binaries(request.param)
    etcd = LoggingEtcd(binaries, directory / "data")
    try:
        assert etcd.ready(), "etcd does not start"
        leases = write_keys(etcd)
        write_rest(etcd, request.param)
        change_members(etcd, binaries, directory)
    finally:
        etcd.crash()
    yield Written(request.param, directory / "data", leases)
    shutil.rmtree(directory)


def write_keys(etcd: LoggingEtcd) -> list[str]:
    """Put keys and delete them, in each way that there is."""
    for key in ("/plain", "/range/a", "/txn", "/alive", ODD_KEY):
        etcd.ctl("put", key, "value")
    etcd.ctl("del", "/plain")
    etcd.ctl("del", "--prefix", "/range/")
    kubernetes = b'version("/txn") = "1"\n\ndel /txn\n\nget /txn\n\n'
    etcd.ctl("txn", stdin=kubernetes)
    etcd.ctl("put", "/kept", "value")
    never = (b"\nput /kept again\n\ndel /kept\n\n", b'version("/kept") < "0"\n\ndel /kept\n\n\n')
    for request in never:
        etcd.ctl("txn", stdin=request)
    assert etcd.ctl("get", "/kept", "--print-value-only").strip() == "again"
    etcd.ctl("del", "--from-key", "/zzz")
    leases = [etcd.ctl("lease", "grant", "3600").split()[1] for _ in range(2)]
    etcd.ctl("put", "/leased", "x", f"--lease={leases[0]}")
    etcd.ctl("txn", stdin=f"\nput /event x --lease={leases[1]}\n\n\n".encode())
    for lease in leases:
        etcd.ctl("lease", "revoke", lease)
    etcd.ctl("put", "/alive", "--ignore-value")
    etcd.ctl("compact", "5", "--physical")
    return leases


def change_members(etcd: LoggingEtcd, binaries: Path, directory: Path) -> None:
    """Add a learner and remove it; add another one, start it and promote it.

    After that, the first member alone is no quorum any more.
    """
    with socket.socket() as client, socket.socket() as peer:
        client.bind(("127.0.0.1", 0))
        peer.bind(("127.0.0.1", 0))
        client_url, peer_url = (f"http://127.0.0.1:{s.getsockname()[1]}" for s in (client, peer))
    etcd.ctl("member", "add", "gone", "--learner", "--peer-urls=http://127.0.0.1:1")
    listed = json.loads(etcd.ctl("member", "list", "-w=json"))["members"]
    (gone,) = [m["ID"] for m in listed if m["peerURLs"] == ["http://127.0.0.1:1"]]
    etcd.ctl("member", "remove", f"{gone:x}")
    etcd.ctl("member", "add", "two", "--learner", f"--peer-urls={peer_url}")
    members = json.loads(etcd.ctl("member", "list", "-w=json"))["members"]
    (first,) = [m for m in members if m["peerURLs"] != [peer_url]]
    with (directory / "two.log").open("wb") as log:
        learner = subprocess.Popen(
            [
                str(binaries / "etcd"),
                "--name=two",
                f"--data-dir={directory / 'two'}",
                f"--listen-client-urls={client_url}",
                f"--advertise-client-urls={client_url}",
                f"--listen-peer-urls={peer_url}",
                f"--initial-advertise-peer-urls={peer_url}",
                f"--initial-cluster=one={first['peerURLs'][0]},two={peer_url}",
                "--initial-cluster-state=existing",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        (second,) = [m["ID"] for m in members if m["peerURLs"] == [peer_url]]
        give_up = time.monotonic() + PROMOTION_SECONDS
        while not promotes(etcd, f"{second:x}"):
            assert time.monotonic() < give_up, "the learner does not catch up"
    finally:
        learner.kill()
        learner.wait()


def promotes(etcd: LoggingEtcd, member: str) -> bool:
    """Return whether the learner is promoted; etcd refuses it until it has caught up."""
    try:
        etcd.ctl("member", "promote", member)
    except subprocess.CalledProcessError as error:
        if b"learner" in error.stderr:
            return False
        raise
    return True


def write_rest(etcd: LoggingEtcd, minor: str) -> None:
    """Alarms, a downgrade (which 3.5 refuses), users and roles."""
    etcd.ctl("alarm", "list")
    if minor not in ("3.4", "3.5"):
        etcd.ctl("downgrade", "enable", f"3.{int(minor[2:]) - 1}")
        etcd.ctl("downgrade", "cancel")
    etcd.ctl("role", "add", "reader")
    etcd.ctl("role", "grant-permission", "reader", "readwrite", "/", "--prefix")
    etcd.ctl("role", "revoke-permission", "reader", "/", "--prefix")
    etcd.ctl("role", "grant-permission", "reader", "readwrite", "/", "--prefix")
    etcd.ctl("user", "add", "alice:first-secret")
    etcd.ctl("user", "passwd", "alice", "--interactive=false", stdin=b"second-secret\n")
    etcd.ctl("user", "grant-role", "alice", "reader")
    etcd.ctl("user", "add", "root:root-secret")
    etcd.ctl("user", "grant-role", "root", "root")
    etcd.ctl("auth", "enable")
    etcd.ctl("del", "/alive", "--user=alice:second-secret")
    etcd.ctl("auth", "disable", "--user=root:root-secret")


def test_everything_is_told(written: Written) -> None:
    """No entry is unknown, each kind is found, and what was asked for is in its details."""
    records = written.records()
    kinds = {record["kind"] for record in records}
    expected = {
        "noop", "put", "delete", "txn", "lease-grant", "lease-revoke", "compaction", "alarm",
        "auth", "membership",
    }  # fmt: skip  # a set of words
    if written.minor in ("3.4", "3.5"):
        expected |= {"v2"}
    else:
        expected |= {"downgrade", "member-attributes", "cluster-version"}
    assert kinds - {"cluster-version"} == expected - {"cluster-version"}
    assert [r["index"] for r in records] == list(range(1, len(records) + 1))
    assert {r["standing"] for r in records} == {"current"}
    (compaction,) = [r["detail"] for r in records if r["kind"] == "compaction"]
    assert compaction == {"revision": 5, "physical": True}


def test_members(written: Written) -> None:
    """Added, removed and promoted, by ID and address."""
    records = written.records("--kind", "membership")
    assert [r["detail"]["change"] for r in records] == [
        "add-voter", "add-learner", "remove", "add-learner", "promote",
    ]  # fmt: skip  # a line of words
    details = [r["detail"] for r in records]
    assert details[1]["peer_urls"] == ["http://127.0.0.1:1"]
    assert details[1]["member"] == details[2]["member"]
    assert details[3]["member"] == details[4]["member"]


def test_users_and_roles_without_their_secrets(written: Written) -> None:
    """Names are told, passwords and hashes never, whatever is asked for."""
    done = written.inspect("--records", "--values", "--superseded", "-o", "json")
    assert not any(secret in done.output for secret in (*SECRETS, "$2a$"))
    told = [
        (d["operation"].removeprefix("auth_"), d["user"], d["role"])
        for d in (r["detail"] for r in written.records("--kind", "auth"))
    ]
    assert told[:8] == [
        ("role_add", "", "reader"),
        ("role_grant_permission", "", "reader"),
        ("role_revoke_permission", "", "reader"),
        ("role_grant_permission", "", "reader"),
        ("user_add", "alice", ""),
        ("user_change_password", "alice", ""),
        ("user_grant_role", "alice", "reader"),
        ("user_add", "root", ""),
    ]
    assert ("authenticate", "alice", "") in told
    permission = written.records("--kind", "auth")[1]["detail"]["permission"]
    assert (permission["access"], permission["key"], permission["range_end"]) == (
        "READWRITE", "/", "0",
    )  # fmt: skip  # one permission


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("/plain", "delete"),
        ("/range/a", "delete"),
        ("/txn", "txn"),
        ("/zzzz", "delete"),
        ("/leased", "lease-revoke"),
        ("/event", "lease-revoke"),
    ],
)
def test_who_deleted_this_key(written: Written, key: str, kind: str) -> None:
    """The one entry that did, whatever it is."""
    (found,) = written.records("--key", key, "--kind", "delete")
    assert (found["kind"], found["committed"]) == (kind, True)
    member = json.loads(written.inspect("--limit", "1", "-o", "json").stdout)["summary"]["member"]
    assert found["via"] == member[-4:]


def test_who_cannot_have_deleted_a_key(written: Written) -> None:
    """Two transactions name it in a branch that never runs, and etcd kept it."""
    assert written.records("--key", "/kept", "--kind", "delete") == []
    touches = written.records("--key", "/kept")
    assert [(r["kind"], [o["runs"] for o in r["operations"]]) for r in touches] == [
        ("put", ["always"]),
        ("txn", ["always", "never"]),
    ]


def test_who_deleted_it_by_name(written: Written) -> None:
    """While auth is enabled, the user is told."""
    (found,) = written.records("--key", "/alive", "--kind", "delete")
    assert (found["kind"], found["user"]) == ("delete", "alice")


def test_every_touch_of_a_key(written: Written) -> None:
    """Puts, deletes, and reads in a transaction."""
    found = written.records("--key", "/txn")
    assert [(r["kind"], [o["operation"] for o in r["operations"]]) for r in found] == [
        ("put", ["put"]),
        ("txn", ["delete", "range"]),
    ]
    assert written.records("--prefix", "/odd")[0]["operations"][0]["key"] == ODD_KEY


def test_leases(written: Written) -> None:
    """By their IDs as etcdctl prints them, with all keys that they had."""
    granted = [r["detail"] for r in written.records("--kind", "lease-grant")]
    assert [d["lease"] for d in granted] == written.leases
    assert {d["ttl"] for d in granted} == {3600}
    revoked = [r["detail"] for r in written.records("--kind", "lease-revoke", "--lease-keys")]
    assert [([k["key"] for k in d["keys"]], d["keys_complete"]) for d in revoked] == [
        (["/leased"], True),
        (["/event"], True),
    ]


def test_the_other_records(written: Written) -> None:
    """Whose log it is, and what it knew committed: all that a log consists of."""
    records = written.records("--records")
    (metadata,) = [r["detail"] for r in records if r["kind"] == "metadata"]
    summary = json.loads(written.inspect("--limit", "1", "-o", "json").stdout)["summary"]
    assert metadata == {"member": summary["member"], "cluster": summary["cluster"]}
    assert summary["records"] == len(records)
    commits = [r["detail"]["commit"] for r in records if r["kind"] == "hard-state"]
    assert summary["commit"] == commits[-1] == max(commits)
    marks = [r for r in records if r["kind"] == "snapshot"]
    assert (marks[0]["index"], marks[-1]["detail"]["voters"] is None) == (0, written.minor == "3.4")


@pytest.mark.parametrize("seed", range(3))
def test_a_flipped_record(written: Written, tmp_path: Path, seed: int) -> None:
    """It is named with its byte, and every other entry is told."""
    whole = [r["index"] for r in written.records()]
    copy = Written(written.minor, tmp_path / "copy", [])
    copy_tree_sparse(written.data_dir, copy.data_dir)
    told = wal.flip_record(copy.data_dir / "member" / "wal", random.Random(seed))
    done = copy.inspect("-o", "json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    (damage,) = found["summary"]["damages"]
    assert f"in the record at {damage['offset']}," in told
    (missing,) = found["summary"]["missing"]
    rest = [r["index"] for r in found["records"] if r["kind"] != "damage"]
    assert sorted([*rest, missing["first_index"]]) == whole


@pytest.mark.parametrize("seed", range(3))
def test_a_torn_end(written: Written, tmp_path: Path, seed: int) -> None:
    """What is before it is told; etcd itself mends it, so it is no damage."""
    whole = written.records()
    copy = Written(written.minor, tmp_path / "copy", [])
    copy_tree_sparse(written.data_dir, copy.data_dir)
    wal.tear_tail(copy.data_dir / "member" / "wal", random.Random(seed))
    found = json.loads(copy.inspect("-o", "json").stdout)
    assert found["summary"]["ending"] == "torn"
    assert found["summary"]["damages"] == []
    indexes = [r["index"] for r in found["records"]]
    assert indexes == [r["index"] for r in whole][: len(indexes)]
    assert len(whole) - 12 <= len(indexes) <= len(whole)
