"""The catalogue: ids are unique, each wording matches what etcd really printed, and no other's."""

import re

import pytest

from requorum.domain.signatures.catalogue import CATALOGUE, recognise
from requorum.domain.signatures.signature import links_of

NIL_POINTER = (
    "panic: runtime error: invalid memory address or nil pointer dereference\n"
    "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0xc78dd0]\n\n"
    "goroutine 1 [running]:\ngo.etcd.io/etcd/server/v3/etcdserver.bootstrap({{0x7f, 0x5}"
)
BOUNDS = (
    "panic: runtime error: slice bounds out of range [:8] with capacity 0\n\n"
    "goroutine 118 [running]:\ngo.etcd.io/etcd/mvcc.bytesToRev(...)"
)
PRINTED = [
    ("wal-crc-mismatch", (3, 4), '"error":"walpb: crc mismatch"}'),
    ("wal-crc-mismatch", (3, 5), '"msg":"discovery failed","error":"wal: crc mismatch"'),
    (
        "wal-crc-mismatch",
        (3, 6),
        '"error":"walpb: crc mismatch: expected: 826a9be4 computed: 88872d4d: in file \'a.wal\' at',
    ),
    ("wal-not-a-record", (3, 5), '"error":"proto: Record: illegal tag 0 (wire type 0)"'),
    ("wal-not-a-record", (3, 4), "proto: wrong wireType = 7 for field Crc"),
    (
        "wal-not-a-record",
        (3, 7),
        '"msg":"bootstrap failed","error":"proto:\xa0cannot parse invalid wire-format data"',
    ),
    (
        "wal-cut-in-the-middle",
        (3, 6),
        '"msg":"failed to read WAL, cannot be repaired","error":"unexpected EOF"',
    ),
    ("wal-cut-in-the-middle", (3, 4), "read wal error (unexpected EOF) and cannot be repaired"),
    ("wal-entry-too-large", (3, 4), '"error":"wal: max entry size limit exceeded"'),
    ("wal-file-not-found", (3, 5), '"msg":"failed to open WAL","error":"wal: file not found"'),
    ("wal-file-not-found", (3, 4), "open wal error: wal: file not found"),
    (
        "wal-file-not-found",
        (3, 6),
        "wal: file sequence numbers (starting from 1) do not increase continuously",
    ),
    ("wal-entries-missing", (3, 6), "wal: slice bounds out of range, snapshot[Index: 1, Term: 2]"),
    ("wal-unknown-record", (3, 6), '"error":"unexpected block type 19"'),
    ("entry-undecodable", (3, 5), "unmarshal should never fail (unexpected EOF)"),
    ("v2-entries", (3, 7), '"panic":"unmarshal should never fail (proto: cannot parse invalid'),
    ("wal-without-member", (3, 6), "panic: cannot use none as id"),
    (
        "wal-without-mark",
        (3, 7),
        NIL_POINTER,
    ),
    ("state-commit-out-of-range", (3, 6), "8e9e state.commit 9 is out of range [5, 7]"),
    (
        "tocommit-out-of-range",
        (3, 5),
        "tocommit(9) is out of range [lastIndex(7)]. Was the raft log corrupted, truncated, or",
    ),
    ("wal-repaired", (3, 5), '"msg":"repaired WAL","error":"unexpected EOF"'),
    ("wal-repaired", (3, 4), "repaired WAL error (unexpected EOF)"),
    (
        "snap-db-missing",
        (3, 6),
        '"error":"failed to find database snapshot file (snap: snapshot file doesn\'t exist)"',
    ),
    (
        "db-behind-snapshot",
        (3, 5),
        "database file (/d/member/snap/db index 1) does not match with snapshot (index 2)",
    ),
    ("db-missing", (3, 6), "database file (/d/member/snap/db) of the backend is missing"),
    ("db-not-openable", (3, 5), '"msg":"failed to open database","path":"/d","error":"invalid da'),
    ("db-not-openable", (3, 4), "cannot open database at /d/member/snap/db (checksum error)"),
    ("db-not-openable", (3, 6), "Opening bbolt db (/d/db) failed: checksum error"),
    ("db-page-damaged", (3, 5), "panic: freepages: failed to get all reachable pages (page 31"),
    (
        "db-page-damaged",
        (3, 6),
        "panic: assertion failed: Page expected to be: 27, but self identifies as 31",
    ),
    (
        "db-page-damaged",
        (3, 7),
        "panic: assertion failed: page 27: has unexpected type/flags: 3",
    ),
    ("db-page-damaged", (3, 5), "panic: invalid page type: 0: 0"),
    ("db-page-damaged", (3, 4), "panic: assertion failed: read: zero-length inode key"),
    ("db-cut-short", (3, 4), "unexpected fault address 0x7f00ec032000"),
    ("db-cut-short", (3, 5), "fatal error: fault"),
    (
        "db-cut-short",
        (3, 6),
        "[signal SIGBUS: bus error code=0x2 addr=0x7f0484430000 pc=0xa2d26a]",
    ),
    (
        "db-record-damaged",
        (3, 4),
        BOUNDS,
    ),
    ("db-record-damaged", (3, 6), '"msg":"failed to unmarshal mvccpb.KeyValue","error":"proto: '),
    ("db-record-damaged", (3, 4), "cannot unmarshal event: proto: wrong wireType = 7"),
    ("db-record-damaged", (3, 7), "panic: invalid revision length: 8209"),
    ("db-row-damaged", (3, 6), "couldn't read members from backend"),
    ("db-in-use", (3, 6), "db file is flocked by another process, or taking too long"),
    (
        "db-in-use",
        (3, 4),
        'another etcd process is using "/d/db" and holds the file lock, or loading backend file is',
    ),
    ("snap-file-broken", (3, 5), '"msg":"snap file is corrupt","path":"/d/1-2.snap"'),
    ("disk-unreadable", (3, 5), "read /d/a.wal: input/output error"),
    ("no-space-left", (3, 6), "write /d/0.tmp: no space left on device"),
    (
        "server-too-old",
        (3, 5),
        "invalid downgrade; server version is lower than determined cluster version",
    ),
    (
        "server-too-old",
        (3, 4),
        "invalid downgrade; (current version: 3.4.45 is lower than determined cluster version: 3",
    ),
    (
        "not-the-downgrade-target",
        (3, 5),
        "invalid downgrade; server version is not allowed to join when downgrade is enabled",
    ),
    ("storage-too-new", (3, 6), '"error":"version \\"3.7.0\\" is not supported"'),
    ("storage-too-new", (3, 4), "unsupported storage version: 3.6.0"),
    ("v2-content", (3, 6), "detected disallowed custom content in v2store for stage --v2-depr"),
    ("v2-entries", (3, 6), "detected disallowed v2 WAL for stage --v2-deprecation=write-only"),
    ("cluster-id-mismatch", (3, 6), '"msg":"request cluster ID mismatch"'),
    ("member-removed", (3, 5), "the member has been permanently removed from the cluster"),
    ("member-unknown", (3, 6), '"msg":"failed to update; member unknown"'),
    ("too-many-learners", (3, 6), "membership: too many learner members in cluster"),
    ("already-bootstrapped", (3, 6), "member 8e9e05c52164694d has already been bootstrapped"),
    ("no-cluster-to-join", (3, 5), "cannot fetch cluster info from peer urls: could not retrieve"),
    ("member-and-proxy", (3, 4), "invalid datadir. Both member and proxy directories exist."),
    ("member-and-proxy", (3, 6), "invalid datadir; both member and proxy directories exist"),
    ("not-permitted", (3, 6), "cannot access data directory: open /d/.touch: permission denied"),
]


@pytest.mark.parametrize(("signature", "minor", "line"), PRINTED)
def test_what_etcd_printed_is_recognised(signature: str, minor: tuple[int, int], line: str) -> None:
    """As this signature, and as no other."""
    assert [found.id for found in recognise(line, minor)] == [signature]


def test_every_usual_text_is_its_own_signatures() -> None:
    """The text that a prediction shows where no better one is known."""
    for signature in CATALOGUE:
        if signature.id in {"wal-without-mark", "db-missing"}:
            continue  # abridged, with an ellipsis
        assert signature in recognise(signature.symptom), signature.id


def test_ids_are_unique_and_can_be_typed() -> None:
    """Scripts refer to them."""
    ids = [signature.id for signature in CATALOGUE]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", found) for found in ids)


def test_every_entry_says_what_it_has_to() -> None:
    """Cause and fix are sentences, sources are named."""
    for signature in CATALOGUE:
        assert signature.wordings
        assert signature.sources
        for text in (signature.cause, signature.fix, signature.never or "."):
            assert text.endswith("."), signature.id
            assert "  " not in text, signature.id


def test_wordings_of_other_minors_are_passed_over() -> None:
    """One text can mean different things in different minors."""
    line = "unmarshal should never fail"
    assert [s.id for s in recognise(line, (3, 6))] == ["entry-undecodable"]
    assert [s.id for s in recognise(line, (3, 7))] == ["v2-entries"]
    assert {s.id for s in recognise(line)} == {"entry-undecodable", "v2-entries"}
    assert not recognise("published local member to cluster through raft", (3, 5))


def test_issues_become_links() -> None:
    """Files of a release do not."""
    found = next(s for s in CATALOGUE if s.id == "wal-crc-mismatch")
    assert links_of(found)[0] == "https://github.com/etcd-io/etcd/issues/11488"
    assert all(link.startswith("https://github.com/") for link in links_of(found))
