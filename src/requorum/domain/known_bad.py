"""Releases of etcd that can lose or falsify data, or hinder an upgrade, and how."""

from dataclasses import dataclass

from requorum.domain.version import EtcdVersion

_Release = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class KnownProblem:
    """What is wrong with the releases of some ranges, whose ends are inclusive."""

    what: str
    ranges: tuple[tuple[_Release, _Release], ...]

    def affects(self, version: EtcdVersion) -> bool:
        """Return whether that release has it."""
        release = (version.major, version.minor, version.patch)
        return any(first <= release <= last for first, last in self.ranges)


def _up_to(*lasts: _Release) -> tuple[tuple[_Release, _Release], ...]:
    """Return ranges that begin with a minor's first release."""
    return tuple(((major, minor, 0), (major, minor, patch)) for major, minor, patch in lasts)


KNOWN_PROBLEMS = (
    KnownProblem(
        "a crash under load can save the consistent index without its data: members then differ "
        "without a word (fixed in 3.5.3)",
        _up_to((3, 5, 2)),
    ),
    KnownProblem(
        "a single member acknowledges before its log is on the disk (fixed in 3.4.21, 3.5.5)",
        _up_to((3, 4, 20), (3, 5, 4)),
    ),
    KnownProblem(
        "revisions of members part if one is killed while it defragments (fixed in 3.5.6)",
        _up_to((3, 5, 5)),
    ),
    KnownProblem(
        "a torn end of the log whose length is damaged is not mended (fixed in 3.5.7)",
        _up_to((3, 5, 6)),
    ),
    KnownProblem(
        "the revision can go back after a crash during a compaction (fixed in 3.4.32, 3.5.14)",
        _up_to((3, 4, 31), (3, 5, 13)),
    ),
    KnownProblem(
        "a part of a transaction can be applied (fixed in 3.5.17)",
        _up_to((3, 5, 16)),
    ),
    KnownProblem(
        "a snapshot applied while it defragments can falsify data (fixed in 3.4.38, 3.5.23, 3.6.5)",
        _up_to((3, 4, 37), (3, 5, 22), (3, 6, 4)),
    ),
    KnownProblem(
        "a learner's promotion is not written to the database, from which 3.6 takes the members "
        "(fixed in 3.5.24; 3.5.20 to 3.5.23 mend it in part)",
        (((3, 5, 1), (3, 5, 23)),),
    ),
    KnownProblem(
        "members that were removed can come back with an upgrade to 3.6 (fixed in 3.5.26)",
        _up_to((3, 5, 25)),
    ),
    KnownProblem(
        "changing a learner's peer URLs can make it a voter (fixed in 3.5.31, 3.6.12)",
        _up_to((3, 5, 30), (3, 6, 11)),
    ),
)
"""Source: CHANGELOG-3.4, CHANGELOG-3.5, CHANGELOG-3.6; etcd-io/etcd issues 13766, 14370, 19557."""


def known_problems(version: EtcdVersion) -> tuple[str, ...]:
    """Return what is wrong with a release, in words."""
    return tuple(problem.what for problem in KNOWN_PROBLEMS if problem.affects(version))
