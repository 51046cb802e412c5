"""Symptoms of the database and of the snapshot files."""

from requorum.domain.signatures.log import NEVER_RESTORE_ONE, REPLACE_OR_RECOVER
from requorum.domain.signatures.signature import Signature, Wording

SNAP_DB_MISSING = Signature(
    id="snap-db-missing",
    symptom="failed to recover v3 backend from snapshot: failed to find database snapshot file "
    "(snap: snapshot file doesn't exist)",
    wordings=(Wording(r"failed to find database snapshot file"),),
    cause="The database is missing, empty or older than the newest snapshot of the log, and the "
    "leader's copy that would take its place (INDEX.snap.db) is not there. After a power "
    "loss, where the disk lost what it had confirmed.",
    fix=REPLACE_OR_RECOVER,
    never="Do not remove the .snap files to let it start: the log before them may be gone, and the "
    "member would then serve with writes missing.",
    sources=("etcd-io/etcd#12492", "etcd-io/etcd#14569", "kubernetes/kubernetes#88574"),
)

DB_BEHIND_SNAPSHOT = Signature(
    id="db-behind-snapshot",
    symptom="database file (… index 41) does not match with snapshot (index 60)",
    wordings=(
        Wording(r"database file \(.*index \d+\) does not match with snapshot \(index \d+\)"),
    ),
    cause="The database stands before the snapshot that etcd starts from.",
    fix=REPLACE_OR_RECOVER,
    sources=("etcd-io/etcd#12492", "etcd 3.6.14 server/etcdserver/bootstrap.go"),
)

DB_MISSING = Signature(
    id="db-missing",
    symptom="database file (…/member/snap/db) of the backend is missing",
    wordings=(Wording(r"database file \(.*\) of the backend is missing"),),
    cause="There is a log and a snapshot, and no database. etcd removes the database that it made "
    "on the way, also where it had just renamed INDEX.snap.db to it.",
    fix="Copy INDEX.snap.db, where there is one, before anything else. " + REPLACE_OR_RECOVER,
    never="Do not start etcd again before you have a copy of every .snap.db: each start may rename "
    "one to db and then remove it.",
    sources=("etcd 3.6.14 server/etcdserver/bootstrap.go",),
)

DB_NOT_OPENABLE = Signature(
    id="db-not-openable",
    symptom="failed to open database: checksum error",
    wordings=(
        Wording(r"failed to open database"),
        Wording(r"cannot open database at .* \(", until=(3, 4)),
        Wording(r"Opening bbolt db \(.*\) failed: ", since=(3, 6)),
    ),
    cause="Both meta pages of the database are damaged, or the file is too short to have them.",
    fix=REPLACE_OR_RECOVER + " `requorum salvage` gets out what other pages still prove.",
    never=NEVER_RESTORE_ONE,
    sources=("etcd-io/etcd#10108", "bbolt 1.4.3 db.go"),
)

DB_PAGE_DAMAGED = Signature(
    id="db-page-damaged",
    symptom="freepages: failed to get all reachable pages",
    wordings=(
        Wording(r"freepages: failed to get all reachable pages"),
        Wording(r"Page expected to be: \d+, but self identifies as \d+"),
        Wording(r"page \d+: has unexpected type/flags: [0-9a-f]+"),
        Wording(r"page \d+ already freed"),
        Wording(r"invalid page type: \d+: [0-9a-f]+"),
        Wording(r"read: zero-length inode key"),
        Wording(r"invalid freelist page: \d+"),
        Wording(r"misplaced bucket header: [0-9a-f]* -> [0-9a-f]*"),
        Wording(r"runtime error: (?:index|slice bounds) out of range[\s\S]{0,500}bbolt"),
        Wording(r"nil pointer dereference[\s\S]{0,300}bbolt"),
    ),
    cause="A page of the database is damaged, or the file was cut within it. bbolt walks all pages "
    "when it opens a database, and dies of the first that is none.",
    fix=REPLACE_OR_RECOVER + " `requorum salvage` gets out what other pages still prove.",
    never="Do not run `bbolt surgery` on the only copy.",
    sources=("etcd-io/bbolt#335", "etcd-io/bbolt#778", "etcd-io/etcd#17084", "etcd-io/etcd#18096"),
)

DB_CUT_SHORT = Signature(
    id="db-cut-short",
    symptom="unexpected fault address 0x7f755c05d000 … fatal error: fault … [signal SIGBUS: bus "
    "error code=0x2",
    wordings=(
        Wording(r"unexpected fault address 0x[0-9a-f]+"),
        Wording(r"fatal error: fault\b"),
        Wording(r"\[signal SIGBUS: bus error code="),
    ),
    cause="The database file ends before its last page: a copy that broke off, a disk that was "
    "full. bbolt maps the file into memory, and the kernel ends the process, without a word of "
    "etcd's, where it reads behind the end. Seldom, the file is whole, and an element of a damaged "
    "page leads there, or the disk does not give a page back.",
    fix="If it is a copy, compare its size with the original's, and copy it anew. "
    + REPLACE_OR_RECOVER
    + " `requorum salvage` gets out what the pages that are left still prove.",
    never="Do not make the file longer to let it start: in the place of the missing pages it would "
    "have zeros, of which bbolt dies, too.",
    sources=("Go 1.26 runtime/signal_unix.go", "bbolt 1.4.3 db.go"),
)

DB_RECORD_DAMAGED = Signature(
    id="db-record-damaged",
    symptom="failed to unmarshal mvccpb.KeyValue",
    wordings=(
        Wording(r"failed to unmarshal mvccpb\.KeyValue"),
        Wording(r"cannot unmarshal event:", until=(3, 4)),
        Wording(r"'put' with an unexpected smaller revision"),
        Wording(r"'(?:restore|tombstone)' got an unexpected (?:non-)?empty"),
        Wording(r"store\.keyindex: (?:put with unexpected smaller revision|cannot restore)"),
        Wording(r"invalid revision length: \d+", since=(3, 6)),
        Wording(r"slice bounds out of range[\s\S]{0,300}mvcc\.bytesToRev\b", until=(3, 5)),
        Wording(r"revision \d+ shouldn't be less than the previous revision \d+"),
    ),
    cause="The pages of the database are sound, and a record in one of them is not: bytes were "
    "changed within it.",
    fix=REPLACE_OR_RECOVER + " `requorum salvage` leaves out only the damaged records.",
    sources=("etcd 3.6.14 server/storage/mvcc/kvstore.go",),
)

DB_ROW_DAMAGED = Signature(
    id="db-row-damaged",
    symptom="couldn't read members from backend",
    wordings=(
        Wording(r"couldn't read members from backend"),
        Wording(r"failed to parse member id from key"),
        Wording(r"failed to unmarshal (?:lease proto item|'authpb\.\w+'|downgrade information)"),
        Wording(r"unexpected number of keys when getting cluster version from backend"),
    ),
    cause="A row of one of the small buckets (members, leases, users, versions) is malformed.",
    fix=REPLACE_OR_RECOVER,
    sources=("etcd 3.6.14 server/storage/schema/membership.go",),
)

DB_IN_USE = Signature(
    id="db-in-use",
    symptom="db file is flocked by another process, or taking too long",
    wordings=(
        Wording(r"db file is flocked by another process, or taking too long"),
        Wording(r"another etcd process is using .* and holds the file lock", until=(3, 4)),
    ),
    cause="Another etcd runs on this data directory, or the disk is very slow.",
    fix="Find who holds it (`lsof …/member/snap/db`). The lock goes with its process.",
    never="Do not remove the file to get rid of the lock.",
    sources=("etcd 3.6.14 server/storage/backend.go",),
)

SNAP_FILE_BROKEN = Signature(
    id="snap-file-broken",
    symptom="snap file is corrupt",
    wordings=(
        Wording(r"snap file is corrupt|failed to read empty snapshot (?:file|data)"),
        Wording(r"renamed to a broken snap file"),
        Wording(r"corrupted snapshot file|renamed snapshot file", until=(3, 4)),
    ),
    cause="A .snap file is damaged. etcd renames it to .snap.broken and takes the one before.",
    fix="Nothing, as long as etcd starts. Look at the disk.",
    sources=("etcd 3.6.14 server/etcdserver/api/snap/snapshotter.go",),
)

DISK_UNREADABLE = Signature(
    id="disk-unreadable",
    symptom="input/output error",
    wordings=(Wording(r"input/output error"),),
    cause="The disk does not give back what was written to it.",
    fix="Copy what can be read to another disk at once. " + REPLACE_OR_RECOVER,
    never="Do not run a file system check on the disk before there is a copy.",
    sources=("errno(3) EIO",),
)

NO_SPACE_LEFT = Signature(
    id="no-space-left",
    symptom="no space left on device",
    wordings=(Wording(r"no space left on device"),),
    cause="The file system is full. etcd takes 64 MB at once for the next segment of its log.",
    fix="Make room beside the data directory, never in it. The files that may go are the spare "
    "*.tmp of the WAL directory and old .broken copies, once they lie elsewhere.",
    never="Do not remove .wal, .snap or db files.",
    sources=("etcd 3.6.14 server/storage/wal/file_pipeline.go",),
)

ENTRIES = (
    SNAP_DB_MISSING, DB_BEHIND_SNAPSHOT, DB_MISSING, DB_NOT_OPENABLE, DB_PAGE_DAMAGED,
    DB_CUT_SHORT, DB_RECORD_DAMAGED, DB_ROW_DAMAGED, DB_IN_USE, SNAP_FILE_BROKEN, DISK_UNREADABLE,
    NO_SPACE_LEFT,
)  # fmt: skip  # in the order in which they are told above
