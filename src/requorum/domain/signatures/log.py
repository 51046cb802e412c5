"""Symptoms of a write-ahead log, and of what Raft finds in it."""

from requorum.domain.signatures.signature import Signature, Wording

REPLACE_OR_RECOVER = (
    "While a quorum of the others serves, replace this member: remove it, set its data and WAL "
    "directories aside, add it anew. Otherwise `requorum recover`, which fills the damaged records "
    "from the other members' logs."
)
NEVER_TRUNCATE = (
    "Do not cut the file, and do not remove the WAL directory to let it start: what it "
    "acknowledged is forgotten, and it may then elect a leader that lacks committed writes."
)
NEVER_RESTORE_ONE = (
    "Do not run `snapshot restore` for this member alone: it gets new IDs and is another cluster."
)

WAL_CRC_MISMATCH = Signature(
    id="wal-crc-mismatch",
    symptom="walpb: crc mismatch",
    wordings=(Wording(r"\bwal(?:pb)?: crc mismatch"),),
    cause="A record of the log does not match its checksum, or a segment is missing before "
    "another: a flipped bit, a lost write, a file that was put there. Only a write that a crash "
    "cut short at the very end is mended by etcd itself.",
    fix=REPLACE_OR_RECOVER,
    never=NEVER_TRUNCATE,
    sources=("etcd-io/etcd#11488", "etcd-io/etcd#11220", "etcd 3.6.14 server/storage/wal/wal.go"),
)

WAL_NOT_A_RECORD = Signature(
    id="wal-not-a-record",
    symptom="proto: Record: illegal tag 0 (wire type 0)",
    wordings=(
        Wording(
            r"proto: (?:Record: (?:illegal tag|wiretype end group)|illegal wireType \d"
            r"|wrong wireType = \d+ for field (?:Type|Crc|Data)\b|integer overflow"
            r"|negative length found|unexpected end of group)",
            until=(3, 6),
        ),
        Wording(
            r"(?:bootstrap failed|discovery failed|failed to read WAL).*"
            r"proto:.cannot parse invalid wire-format data",
            since=(3, 7),
        ),
    ),
    cause="The bytes of a record of the log, or the word that tells its length, are damaged.",
    fix=REPLACE_OR_RECOVER,
    never=NEVER_TRUNCATE,
    sources=("etcd-io/etcd#11488", "etcd 3.6.14 server/storage/wal/decoder.go"),
)

WAL_CUT_IN_THE_MIDDLE = Signature(
    id="wal-cut-in-the-middle",
    symptom="failed to read WAL, cannot be repaired: unexpected EOF",
    wordings=(
        Wording(r"failed to read WAL, cannot be repaired.*unexpected EOF"),
        Wording(r"read wal error \(unexpected EOF\) and cannot be repaired", until=(3, 4)),
    ),
    cause="A segment that is not the last one ends within a record, or a length in it is damaged. "
    "etcd cuts off a torn end of the last segment only.",
    fix=REPLACE_OR_RECOVER,
    never=NEVER_TRUNCATE,
    sources=("etcd-io/etcd#15090", "etcd 3.6.14 server/storage/wal/repair.go"),
)

WAL_ENTRY_TOO_LARGE = Signature(
    id="wal-entry-too-large",
    symptom="wal: max entry size limit exceeded",
    wordings=(Wording(r"\bwal: max entry size limit exceeded", until=(3, 5)),),
    cause="A record claims 10 MB or more: its length is damaged, often by a write that a crash cut "
    "short. 3.4, and 3.5 up to 3.5.4, refuse it; from 3.5.7 on etcd cuts it off where it is "
    "the end of the log.",
    fix="For a torn end, 3.5.7 or later of the same minor mends it. " + REPLACE_OR_RECOVER,
    never=NEVER_TRUNCATE,
    sources=("etcd-io/etcd#14025", "etcd-io/etcd#15090", "etcd-io/etcd#18647"),
)

WAL_FILE_NOT_FOUND = Signature(
    id="wal-file-not-found",
    symptom="failed to open WAL: wal: file not found",
    wordings=(
        Wording(r"\bwal: file not found"),
        Wording(r"\bwal: file sequence numbers .* do not increase continuously", since=(3, 6)),
    ),
    cause="No segment reaches back to the snapshot that etcd starts from: the first segments are "
    "gone and no .snap file is left, or a segment is missing, or the files have other names.",
    fix="Look for the missing files (a .snap.broken, a WAL elsewhere, the other --wal-dir) and put "
    "them back. " + REPLACE_OR_RECOVER,
    never=NEVER_TRUNCATE,
    sources=("etcd 3.5.33 server/wal/wal.go", "etcd 3.6.14 server/storage/wal/wal.go"),
)

WAL_ENTRIES_MISSING = Signature(
    id="wal-entries-missing",
    symptom="wal: slice bounds out of range",
    wordings=(Wording(r"\bwal: slice bounds out of range"),),
    cause="Between the snapshot that etcd starts from and the next entry of its log, or between "
    "two of them, entries are missing.",
    fix=REPLACE_OR_RECOVER,
    never=NEVER_TRUNCATE,
    sources=("etcd-io/etcd#19038", "etcd 3.6.14 server/storage/wal/wal.go"),
)

WAL_FOREIGN_METADATA = Signature(
    id="wal-foreign-metadata",
    symptom="wal: conflicting metadata found",
    wordings=(Wording(r"\bwal: conflicting metadata found"),),
    cause="Segments of different members, or of different clusters, lie in one directory.",
    fix="Find out whose each file is (`requorum inspect wal`), and move those of others away.",
    sources=("etcd 3.6.14 server/storage/wal/wal.go",),
)

WAL_SNAPSHOT_MISMATCH = Signature(
    id="wal-snapshot-mismatch",
    symptom="wal: snapshot mismatch",
    wordings=(Wording(r"\bwal: snapshot mismatch"),),
    cause="The log and the .snap file give one index different terms: they are of different times.",
    fix=REPLACE_OR_RECOVER,
    sources=("etcd 3.6.14 server/storage/wal/wal.go",),
)

WAL_UNKNOWN_RECORD = Signature(
    id="wal-unknown-record",
    symptom="failed to read WAL, cannot be repaired: unexpected block type 19",
    wordings=(Wording(r"unexpected block type \d+"),),
    cause="The type of a record, which no checksum covers, is damaged.",
    fix=REPLACE_OR_RECOVER,
    never=NEVER_TRUNCATE,
    sources=("etcd 3.6.14 server/storage/wal/wal.go",),
)

ENTRY_UNDECODABLE = Signature(
    id="entry-undecodable",
    symptom="unmarshal should never fail",
    wordings=(Wording(r"unmarshal should never fail", until=(3, 6)),),
    cause="A record of the log has a right checksum and not the content of its type.",
    fix=REPLACE_OR_RECOVER,
    sources=("etcd 3.6.14 pkg/pbutil/pbutil.go",),
)

WAL_WITHOUT_MEMBER = Signature(
    id="wal-without-member",
    symptom="cannot use none as id",
    wordings=(Wording(r"cannot use none as id"),),
    cause="There are segments, and no record in them says whose they are: they are empty, or "
    "zeros.",
    fix=REPLACE_OR_RECOVER,
    sources=("etcd 3.6.14 server/etcdserver/bootstrap.go", "raft 3.6.0 raft.go"),
)

WAL_WITHOUT_MARK = Signature(
    id="wal-without-mark",
    symptom="panic: runtime error: invalid memory address or nil pointer dereference … "
    "etcdserver.bootstrap",
    wordings=(
        Wording(r"nil pointer dereference[\s\S]{0,300}etcdserver\.bootstrap\(", since=(3, 7)),
    ),
    cause="The log marks no snapshot, not even the empty one that it begins with: 3.7 takes one "
    "for granted. The first segment is empty, zeroed or cut.",
    fix=REPLACE_OR_RECOVER,
    never=NEVER_TRUNCATE,
    sources=("etcd 3.7.1 server/etcdserver/bootstrap.go",),
)

STATE_COMMIT_OUT_OF_RANGE = Signature(
    id="state-commit-out-of-range",
    symptom="state.commit 9 is out of range [5, 7]",
    wordings=(Wording(r"state\.commit \d+ is out of range \[\d+, \d+\]"),),
    cause="The log ends before what this member itself wrote down as committed: its end is lost.",
    fix=REPLACE_OR_RECOVER,
    never=NEVER_RESTORE_ONE,
    sources=("etcd-io/etcd#5664", "etcd-io/etcd#8935"),
)

TOCOMMIT_OUT_OF_RANGE = Signature(
    id="tocommit-out-of-range",
    symptom="tocommit(9) is out of range [lastIndex(7)]. Was the raft log corrupted, truncated, or "
    "lost?",
    wordings=(Wording(r"tocommit\(\d+\) is out of range \[lastIndex\(\d+\)\]"),),
    cause="The leader knows that this member once held entries which it does not hold any more: "
    "a lost or emptied disk, an older copy or VM snapshot put back, writes that were never synced.",
    fix="The others serve: `requorum member replace` removes this member, sets its data and WAL "
    "directories aside, and joins it as a learner.",
    never=NEVER_RESTORE_ONE,
    sources=("etcd-io/etcd#10166", "etcd-io/etcd#13509", "etcd-io/etcd#20269"),
)

WAL_REPAIRED = Signature(
    id="wal-repaired",
    symptom="repaired WAL: unexpected EOF",
    wordings=(Wording(r"\brepaired WAL\b"),),
    cause="A crash cut the last write short. etcd copied the segment to .broken and cut it off at "
    "the last whole record. That write was never acknowledged by this member.",
    fix="Nothing, where the machine had crashed. Where it had not, look at the disk.",
    sources=("etcd 3.6.14 server/storage/wal/repair.go",),
)

ENTRIES = (
    WAL_CRC_MISMATCH, WAL_NOT_A_RECORD, WAL_CUT_IN_THE_MIDDLE, WAL_ENTRY_TOO_LARGE,
    WAL_FILE_NOT_FOUND, WAL_ENTRIES_MISSING, WAL_FOREIGN_METADATA, WAL_SNAPSHOT_MISMATCH,
    WAL_UNKNOWN_RECORD, ENTRY_UNDECODABLE, WAL_WITHOUT_MEMBER, WAL_WITHOUT_MARK,
    STATE_COMMIT_OUT_OF_RANGE,
    TOCOMMIT_OUT_OF_RANGE, WAL_REPAIRED,
)  # fmt: skip  # in the order in which they are told above
