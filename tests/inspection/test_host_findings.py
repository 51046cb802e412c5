"""Clocks, disks, owners, releases, strays and old data, judged from plain values."""

import pytest

from requorum.domain.finding import Finding, Verdict
from requorum.domain.version import EtcdVersion
from requorum.inspection.host_findings import (
    clock_findings,
    disk_finding,
    known_bad_findings,
    old_data_findings,
    owner_findings,
    release_finding,
    stray_findings,
    version_finding,
)

OK, WARN, FAIL = Verdict.OK, Verdict.WARN, Verdict.FAIL


def verdicts(findings: object) -> dict[str, Verdict]:
    """Return the worst verdict of each subject."""
    found: dict[str, Verdict] = {}
    for finding in findings:  # type: ignore[attr-defined]
        assert isinstance(finding, Finding)
        assert finding.hint or finding.verdict is OK
        found[finding.subject] = max(
            finding.verdict, found.get(finding.subject, OK), key=list(Verdict).index
        )
    return found


def test_clocks() -> None:
    """A difference counts only beyond what the way there may account for."""
    offsets = {"a": (10.0, 0.01), "b": (10.4, 0.01), "c": (12.0, 0.01), "d": (12.0, 3.0)}
    assert verdicts(clock_findings(offsets)) == {"a": OK, "b": OK, "c": WARN, "d": OK}
    assert not list(clock_findings({}))


@pytest.mark.parametrize(("free", "verdict"), [(99, FAIL), (100, WARN), (200, OK)])
def test_disks(free: int, verdict: Verdict) -> None:
    """Too little fails, little warns."""
    assert disk_finding("m", "/srv", free=free, needed=100).verdict is verdict


def test_owners() -> None:
    """What etcd could not write fails; what is root's alone though another wrote there warns."""
    mine = {"/d": (7, 0o700), "/d/db": (7, 0o600)}
    assert verdicts(owner_findings("m", mine, user="etcd", uid=7)) == {"m": OK}
    assert verdicts(owner_findings("m", mine, user="etcd", uid=8)) == {"m": FAIL}
    assert verdicts(owner_findings("m", mine, user="root", uid=0)) == {"m": WARN}
    open_to_all = {"/d": (7, 0o755)}
    assert verdicts(owner_findings("m", open_to_all, user="etcd", uid=7)) == {"m": WARN}


def test_releases() -> None:
    """Tools of another minor, a binary that does not run, members of two minors, known faults."""
    good, old, other = EtcdVersion(3, 6, 13), EtcdVersion(3, 5, 2), EtcdVersion(3, 6, 12)
    assert version_finding("m", {"running": good, "etcd": good}).verdict is OK
    assert version_finding("m", {"etcd": good, "etcdutl": old}).verdict is WARN
    assert version_finding("m", {"running": good, "etcd": other}).verdict is WARN
    assert release_finding({"a": good}) is None
    both = release_finding({"a": good, "b": old})
    assert both is not None
    assert both.verdict is WARN
    bad = list(known_bad_findings({"a": good, "b": old, "c": old}))
    assert {finding.subject for finding in bad} == {"b, c"}
    assert any("consistent index" in finding.text for finding in bad)


def test_old_data() -> None:
    """Another's data, our own originals, and what is not etcd's, each with its own advice."""
    clean = list(old_data_findings("m", "/var/lib/etcd", (), ()))
    assert [f.verdict for f in clean] == [OK]
    found = list(
        old_data_findings("m", "/var/lib/etcd", ("etcd.bak", "etcd.requorum-1"), ("notes",))
    )
    assert [f.verdict for f in found] == [WARN] * 3
    assert "etcd.requorum-1" not in found[0].text
    assert "runs list" in (found[1].hint or "")


def test_strays() -> None:
    """Who is in one list alone fails, a learner warns, another address fails."""
    told = {"a": "http://1:1", "b": "http://2:1", "c": "http://3:1"}
    same = {"a": ("http://1:1",), "b": ("http://2:1",), "c": ("http://3:1",)}
    assert verdicts(stray_findings(same, told, [])) == {"cluster": OK}
    found = stray_findings(
        {"a": ("http://9:1",), "b": ("http://2:1",), "x": ("http://4:1",), "y": ("http://5:1",)},
        told,
        ["y"],
    )
    assert verdicts(found) == {"a": FAIL, "x": FAIL, "y": WARN, "c": FAIL}
    unstarted = {"8e9e": ("http://3:1",), "a": ("http://1:1",), "b": ("http://2:1",)}
    assert verdicts(stray_findings(unstarted, told, [])) == {"cluster": OK}
