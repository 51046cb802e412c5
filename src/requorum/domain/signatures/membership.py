"""Symptoms of a member and a cluster that do not know each other, and of the directory itself."""

from requorum.domain.signatures.log import NEVER_RESTORE_ONE
from requorum.domain.signatures.signature import Signature, Wording

_ADD_ANEW = (
    "Set its data and WAL directories aside, `etcdctl member add` it (as a learner, where that is "
    "known) and start it with --initial-cluster-state=existing: `requorum member replace` does all "
    "of it, `requorum member add` where etcd does not list the member any more."
)

CLUSTER_ID_MISMATCH = Signature(
    id="cluster-id-mismatch",
    symptom="request cluster ID mismatch",
    wordings=(Wording(r"cluster ID mismatch"),),
    cause="Two members that talk to each other belong to different clusters: an old data "
    "directory, --initial-cluster-state=new at a join, another --initial-cluster-token, one "
    "member that was restored alone, or an old member that was never stopped.",
    fix="Stop the one that does not belong. " + _ADD_ANEW,
    never=NEVER_RESTORE_ONE,
    sources=("etcd-io/etcd#11562", "etcd-io/etcd#3710", "etcd-io/etcd#6181"),
)

MEMBER_REMOVED = Signature(
    id="member-removed",
    symptom="the member has been permanently removed from the cluster",
    wordings=(Wording(r"has been permanently removed(?: from the cluster)?"),),
    cause="It was removed from the cluster, and was started again on its old directory.",
    fix=_ADD_ANEW + " It gets a new ID.",
    sources=("etcd 3.6.14 server/etcdserver/server.go",),
)

MEMBER_UNKNOWN = Signature(
    id="member-unknown",
    symptom="failed to update; member unknown",
    wordings=(Wording(r"failed to update; member unknown"),),
    cause="The database does not list the member whose log lies beside it: it is another "
    "cluster's, or an older one's.",
    fix="Find the database that belongs to this log. While a quorum of the others serves, "
    "replace the member.",
    sources=("etcd 3.6.14 server/etcdserver/api/membership/cluster.go",),
)

TOO_MANY_LEARNERS = Signature(
    id="too-many-learners",
    symptom="membership: too many learner members in cluster",
    wordings=(Wording(r"too many learner members in cluster"),),
    cause="3.5.1 to 3.5.19 forgot to write a learner's promotion into the database, from which 3.6 "
    "takes the members.",
    fix="Start 3.5.26 or later once more, which writes it, then 3.6 again. 3.6 mends it by itself "
    "only where the .snap file knows of the promotion. --max-learners is a way around it.",
    sources=("etcd-io/etcd#19557", "etcd-io/etcd#20793"),
)

ALREADY_BOOTSTRAPPED = Signature(
    id="already-bootstrapped",
    symptom="member 8e9e05c52164694d has already been bootstrapped",
    wordings=(Wording(r"member \S+ has already been bootstrapped"),),
    cause="Its data directory is empty and --initial-cluster-state is new, yet the cluster knows "
    "it already.",
    fix="The directory was lost, or the wrong one was named. Remove the member. " + _ADD_ANEW,
    sources=("etcd 3.6.14 server/etcdserver/bootstrap.go",),
)

NO_CLUSTER_TO_JOIN = Signature(
    id="no-cluster-to-join",
    symptom="cannot fetch cluster info from peer urls: could not retrieve cluster information from "
    "the given URLs",
    wordings=(Wording(r"cannot fetch cluster info from peer urls"),),
    cause="It has no log, --initial-cluster-state is existing, and none of the other members of "
    "--initial-cluster answers.",
    fix="Where the others are only down, start them first. Where its own log was lost, "
    "`requorum recover`.",
    never="Do not change it to --initial-cluster-state=new: that makes a new cluster.",
    sources=("etcd 3.6.14 server/etcdserver/bootstrap.go",),
)

MEMBER_AND_PROXY = Signature(
    id="member-and-proxy",
    symptom="invalid datadir; both member and proxy directories exist",
    wordings=(Wording(r"[Bb]oth member and proxy directories exist"),),
    cause="The data directory holds a `proxy` directory of the v2 proxy beside `member`.",
    fix="Move `proxy` out of the data directory.",
    sources=("etcd 3.6.14 server/etcdmain/etcd.go",),
)

NOT_PERMITTED = Signature(
    id="not-permitted",
    symptom="cannot access data directory: permission denied",
    wordings=(
        Wording(r"cannot access (?:data|member) directory"),
        Wording(r"cannot write to (?:member|WAL) directory"),
        Wording(r"permission denied"),
    ),
    cause="etcd's user may not read or write a file: often files of root, left by a restore that "
    "was run as root.",
    fix="Give the directory, with all that lies in it, to etcd's user: `chown -R`, mode 0700.",
    sources=("etcd 3.6.14 server/etcdserver/bootstrap.go",),
)

ENTRIES = (
    CLUSTER_ID_MISMATCH, MEMBER_REMOVED, MEMBER_UNKNOWN, TOO_MANY_LEARNERS, ALREADY_BOOTSTRAPPED,
    NO_CLUSTER_TO_JOIN, MEMBER_AND_PROXY, NOT_PERMITTED,
)  # fmt: skip  # in the order in which they are told above
