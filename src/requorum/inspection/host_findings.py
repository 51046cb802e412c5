"""What an operator should know of hosts and members before they are needed, from plain values."""

from collections.abc import Iterator, Mapping, Sequence
from posixpath import basename

from requorum.domain.finding import Finding, Verdict
from requorum.domain.known_bad import known_problems
from requorum.domain.units import binary_size
from requorum.domain.version import EtcdVersion

SKEW_SECONDS = 1.0
"""From here on etcd itself logs that clocks differ too much. Source: rafthttp/probing_status.go."""
_ROOT = 0


def clock_findings(offsets: Mapping[str, tuple[float, float]]) -> Iterator[Finding]:
    """Compare the hosts' clocks: each one's offset from ours and by how much it may be wrong."""
    if not offsets:
        return
    low = min(offset for offset, _ in offsets.values())
    for host, (offset, doubt) in offsets.items():
        ahead = offset - low
        if ahead - doubt > SKEW_SECONDS:
            yield Finding(
                "clock", host, Verdict.WARN, f"{ahead:.1f} s before the slowest host's clock",
                "Set up time synchronisation (chrony, timesyncd) on every host.",
            )  # fmt: skip  # one finding
        else:
            yield Finding("clock", host, Verdict.OK, f"within {max(ahead, doubt):.2f} s")


def disk_finding(member: str, path: str, *, free: int, needed: int) -> Finding:
    """Compare free space with what a recovery writes there. Bytes."""
    told = f"{binary_size(free)} free, a recovery needs {binary_size(needed)}"
    if free < needed:
        hint = f"Make room on the disk of {path}, but not in the data directory."
        return Finding("disk", member, Verdict.FAIL, told, hint)
    if free < 2 * needed:
        return Finding("disk", member, Verdict.WARN, told, f"Watch the disk of {path}.")
    return Finding("disk", member, Verdict.OK, told)


def owner_findings(
    member: str, owners: Mapping[str, tuple[int, int]], *, user: str, uid: int
) -> Iterator[Finding]:
    """Judge owner and mode of the data directory and its files against the unit's user."""
    strange = [path for path, (owner, _) in owners.items() if owner != uid]
    if strange and uid != _ROOT:
        yield Finding(
            "permissions", member, Verdict.FAIL,
            f"{', '.join(strange)} not owned by {user}, as whom the unit runs etcd",
            f"chown -R {user} DATA_DIR while the member is stopped.",
        )  # fmt: skip  # one finding
    elif strange:
        yield Finding(
            "permissions", member, Verdict.WARN,
            f"{', '.join(strange)} not owned by root, as whom the unit runs etcd",
            "Find out which user wrote there: another etcd may use the directory.",
        )  # fmt: skip  # one finding
    open_to_others = [path for path, (_, mode) in owners.items() if mode & 0o007]
    if open_to_others:
        yield Finding(
            "permissions", member, Verdict.WARN,
            f"{', '.join(open_to_others)} can be read by everybody on the host",
            "chmod 700 the data directory: etcd's data holds every secret.",
        )  # fmt: skip  # one finding
    elif not strange:
        yield Finding("permissions", member, Verdict.OK, f"the data is {user}'s alone")


def version_finding(member: str, versions: Mapping[str, EtcdVersion]) -> Finding:
    """Judge one member's releases against each other: the running etcd, the binary, its tools."""
    told = ", ".join(f"{what} {version}" for what, version in versions.items())
    if len({version.minor_series for version in versions.values()}) > 1:
        return Finding(
            "version", member, Verdict.WARN, f"of different minor releases: {told}",
            "Tools of another minor than etcd may not read its data.",
        )  # fmt: skip  # one finding
    if "running" in versions and versions["running"] != versions.get("etcd", versions["running"]):
        return Finding(
            "version", member, Verdict.WARN, f"the binary is not what runs: {told}",
            "The next start is an upgrade or a downgrade: restart members one by one.",
        )  # fmt: skip  # one finding
    return Finding("version", member, Verdict.OK, told)


def known_bad_findings(releases: Mapping[str, EtcdVersion]) -> Iterator[Finding]:
    """Name what is known to be wrong with the members' releases, each problem once a release."""
    for release in sorted(set(releases.values())):
        members = [name for name, version in releases.items() if version == release]
        subject = "cluster" if len(members) == len(releases) else ", ".join(members)
        for problem in known_problems(release):
            yield Finding(
                "known-bad", subject, Verdict.WARN, f"{release}: {problem}",
                "Upgrade to the newest patch of that minor.",
            )  # fmt: skip  # one finding


def release_finding(releases: Mapping[str, EtcdVersion]) -> Finding | None:
    """Return whether all members are of one minor; None where fewer than two are known."""
    if len(releases) < 2:
        return None
    if len({version.minor_series for version in releases.values()}) == 1:
        return Finding("releases", "cluster", Verdict.OK, "all members of one minor release")
    told = ", ".join(f"{name} {version}" for name, version in releases.items())
    return Finding(
        "releases", "cluster", Verdict.WARN, f"different minor releases: {told}",
        "Finish the upgrade: a recovery restores with one release for all.",
    )  # fmt: skip  # one finding


def old_data_findings(
    member: str, data_dir: str, beside: Sequence[str], own: Sequence[str]
) -> Iterator[Finding]:
    """Judge what lies beside the data directory, and in it, that a start could take for data.

    `beside` are names with a `member` folder or old copies by their names; `own` are those in the
    data directory that are not etcd's.
    """
    name = basename(data_dir)
    ours = [each for each in beside if each.startswith(f"{name}.requorum-")]
    others = [each for each in beside if each not in ours]
    if others:
        yield Finding(
            "old-data", member, Verdict.WARN,
            f"other data of etcd beside {data_dir}: {', '.join(others)}",
            "A unit that is pointed there brings an old member back: move it off the host, or "
            "remove it once you know that nobody needs it.",
        )  # fmt: skip  # one finding
    if ours:
        yield Finding(
            "old-data", member, Verdict.WARN,
            f"originals that earlier runs set aside: {', '.join(ours)}",
            "`requorum runs list` tells of which run; they take space until you remove them.",
        )  # fmt: skip  # one finding
    if own:
        yield Finding(
            "old-data", member, Verdict.WARN, f"in {data_dir} but none of etcd's: {', '.join(own)}",
            "Move it elsewhere.",
        )  # fmt: skip  # one finding
    if not beside and not own:
        yield Finding("old-data", member, Verdict.OK, "no other data of etcd there")


def stray_findings(
    listed: Mapping[str, tuple[str, ...]], told: Mapping[str, str], learners: Sequence[str]
) -> Iterator[Finding]:
    """Compare the live list (name, else ID, to peer URLs) with the file (name to peer URL)."""
    matched: set[str] = set()
    for name, urls in listed.items():
        known = next((n for n, url in told.items() if n == name or url in urls), None)
        if known is None:
            kind = "learner" if name in learners else "member"
            yield Finding(
                "members", name, Verdict.WARN if name in learners else Verdict.FAIL,
                f"a {kind} at {', '.join(urls)} that the cluster file does not have",
                "Add it to the file, or remove it from the cluster with `etcdctl member remove`.",
            )  # fmt: skip  # one finding
            continue
        matched.add(known)
        if told[known] not in urls:
            yield Finding(
                "members", known, Verdict.FAIL,
                f"the cluster knows it at {', '.join(urls)}, the file at {told[known]}",
                "Correct `peer_url`, or tell the cluster with `etcdctl member update`.",
            )  # fmt: skip  # one finding
    for name in told:
        if name not in matched:
            yield Finding(
                "members", name, Verdict.FAIL, "in the cluster file, but not in the live list",
                "Remove it from the file, or let it join; if it still runs, it is an old member.",
            )  # fmt: skip  # one finding
    if len(matched) == len(told) == len(listed):
        yield Finding("members", "cluster", Verdict.OK, "the live list and the file name the same")
