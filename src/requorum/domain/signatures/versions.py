"""Symptoms of data and a server that are of different versions."""

from requorum.domain.signatures.signature import Signature, Wording

SERVER_TOO_OLD = Signature(
    id="server-too-old",
    symptom="invalid downgrade; server version is lower than determined cluster version",
    wordings=(
        Wording(r"invalid downgrade; server version is lower than determined cluster version"),
        Wording(
            r"(?:invalid downgrade;|cluster cannot be downgraded) \(current version: \S+ is lower "
            r"than determined cluster version",
            until=(3, 4),
        ),
    ),
    cause="The data was written by a cluster of a later minor than this etcd.",
    fix="Start the minor that wrote it. A cluster goes down one minor at a time, and only with "
    "`etcdctl downgrade enable` while all members are well.",
    never="Do not edit the version in the database to let the old binary start.",
    sources=("etcd 3.5.33 server/etcdserver/api/membership/downgrade.go",),
)

NOT_THE_DOWNGRADE_TARGET = Signature(
    id="not-the-downgrade-target",
    symptom="invalid downgrade; server version is not allowed to join when downgrade is enabled",
    wordings=(
        Wording(
            r"invalid downgrade; server version is not allowed to join when downgrade is enabled"
        ),
    ),
    cause="A downgrade is under way, and this etcd is not of the version that it leads to.",
    fix="Start the target version, or cancel it with `etcdctl downgrade cancel` while a member of "
    "the later version serves.",
    sources=("etcd 3.5.33 server/etcdserver/api/membership/downgrade.go",),
)

STORAGE_TOO_NEW = Signature(
    id="storage-too-new",
    symptom='version "3.7.0" is not supported',
    wordings=(
        Wording(r'version \\?"\d+\.\d+\.\d+\\?" is not supported', since=(3, 6)),
        Wording(r"unsupported storage version", until=(3, 4)),
    ),
    cause="The database was written by a later minor: its storage version says so.",
    fix="Start the minor that wrote it; or, offline and one minor down, `etcdutl migrate`.",
    sources=("etcd 3.6.14 server/storage/schema/schema.go", "etcd 3.4.31 mvcc/kvstore.go"),
)

V2_CONTENT = Signature(
    id="v2-content",
    symptom="detected disallowed custom content in v2store for stage --v2-deprecation=write-only",
    wordings=(Wording(r"detected disallowed custom content in v2store"),),
    cause="Keys or users of the v2 API are left in the .snap file. 3.6 and later refuse them.",
    fix="Start 3.5.32 or later again, remove what `etcdutl check v2store` lists, let it write a "
    "snapshot (--snapshot-count=1), then start 3.6. Where nobody needs them, 3.6.13 and "
    "later start with --v2-deprecation=write-only-skip-check.",
    sources=("etcd-io/etcd#20351", "etcd-io/etcd#20809", "etcd-io/etcd#21850"),
)

V2_ENTRIES = Signature(
    id="v2-entries",
    symptom="detected disallowed v2 WAL for stage --v2-deprecation=write-only",
    wordings=(
        Wording(r"detected disallowed v2 WAL", since=(3, 6), until=(3, 6)),
        Wording(r"unmarshal should never fail", since=(3, 7)),
    ),
    cause="The log holds requests of the v2 API behind the newest snapshot, and etcd replays them. "
    "3.6 knows only those that 3.5 itself wrote, 3.7 none: also a member's own "
    "announcement by 3.4 or 3.5 is one.",
    fix="Start the minor before again, let it write a snapshot behind them (--snapshot-count=1 and "
    "a few writes), stop it and start the later one. One minor at a time.",
    sources=("etcd-io/etcd#20809", "etcd 3.6.14 server/etcdserver/apply_v2.go"),
)

ENTRIES = (SERVER_TOO_OLD, NOT_THE_DOWNGRADE_TARGET, STORAGE_TOO_NEW, V2_CONTENT, V2_ENTRIES)
