"""`requorum status` of real clusters: one screen, one verdict, one exit code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from practice_site import Finished, Site
from sites import Sites
from test_member_replace import ask, listed

pytestmark = pytest.mark.etcd


def status(site: Site) -> tuple[Finished, dict[str, Any], dict[str, Any]]:
    """Ask; return what was said, the result, and its members by name."""
    done = site.requorum("status", "-c", str(site.lab.cluster_file), "-o", "json")
    return done, done.result, {member["name"]: member for member in done.result["members"]}


def test_all_is_well(sites: Sites, etcd_minor: str) -> None:
    """Roles, one hash at one revision, both reads with their times; nothing is found."""
    site = sites.new(etcd_minor)
    site.load(200)
    done, result, members = status(site)
    assert done.code == 0, done.stdout
    assert (result["serves"], result["survives"], result["findings"]) == (True, 1, [])
    assert result["verdict"] == (
        "3 of 3 voters serve: the cluster survives the loss of 1 more; nothing is wrong"
    )
    assert sorted(m["role"] for m in members.values()) == ["leader", "voter", "voter"]
    assert len({m["hash"] for m in members.values()}) == 1
    assert result["hash_revision"] > 100
    for member in members.values():
        assert member["version"].startswith(etcd_minor)
        assert member["linearizable_read_ms"] > 0
        assert member["serializable_read_ms"] > 0
        assert member["db_size"] >= member["db_size_in_use"] > 0
        assert member["behind"] <= 1
        assert (member["quota"] is None) == (etcd_minor in {"3.4", "3.5"})
    table = site.requorum("status", "-c", str(site.lab.cluster_file))
    assert table.code == 0
    assert len(table.stdout.splitlines()) == 5


@pytest.fixture(scope="module")
def serving(sites: Sites) -> Site:
    """Return a cluster that serves; each test leaves it as it was."""
    site = sites.new("3.5")
    site.load(200)
    return site


def test_one_is_down(serving: Site) -> None:
    """Who it is, and that no more may be lost."""
    serving.supervise("kill", "etcd3")
    done, result, members = status(serving)
    serving.supervise("start", "etcd3")
    serving.await_ready()
    assert (done.code, result["serves"], result["survives"]) == (1, True, 0)
    (finding,) = result["findings"]
    assert finding.startswith("etcd3 does not serve: ")
    assert finding.endswith("`requorum member replace etcd3`")
    assert not members["etcd3"]["healthy"]
    assert members["etcd1"]["hash"] == members["etcd2"]["hash"] is not None


def test_no_quorum(serving: Site) -> None:
    """What the last one says of itself is shown all the same."""
    serving.supervise("kill", "etcd2", "etcd3")
    done, result, members = status(serving)
    serving.supervise("start", "etcd2", "etcd3")
    serving.await_ready()
    assert (done.code, result["serves"], result["survives"]) == (4, False, -2)
    assert "requorum recover --plan" in result["verdict"]
    assert members["etcd1"]["revision"] > 100
    assert members["etcd1"]["linearizable_read_ms"] is None
    assert members["etcd1"]["serializable_read_ms"] > 0


def test_nobody_answers(serving: Site) -> None:
    """That is a result, too."""
    serving.supervise("kill")
    done, result, _ = status(serving)
    serving.supervise("start")
    serving.await_ready()
    assert (done.code, result["cluster_id"], result["hash_revision"]) == (4, None, None)


def test_one_that_etcd_does_not_list(serving: Site) -> None:
    """It is told from one that is down, and how it becomes a member."""

    def name_one_more(described: dict[str, Any]) -> None:
        described["members"].append(
            described["members"][0]
            | {
                "name": "etcd4",
                "peer_url": "http://127.0.0.1:3",
                "client_url": "http://127.0.0.1:4",
                "data_dir": "/nowhere",
            }
        )

    text = serving.lab.cluster_file.read_text()
    serving.rewrite_cluster_file(name_one_more)
    done, result, members = status(serving)
    serving.lab.cluster_file.write_text(text)
    assert (done.code, result["voters"], result["survives"]) == (1, 3, 1)
    assert members["etcd4"]["role"] == "not listed"
    assert "`requorum member add etcd4`" in result["findings"][0]


def test_a_learner_that_never_started(serving: Site) -> None:
    """It is shown though no file names it, and counts for no quorum."""
    learner = ask(
        serving,
        "etcd1",
        lambda etcd: etcd.add_member(["http://127.0.0.1:1"], learner=True, deadline=10),
    )
    _, result, members = status(serving)
    ask(serving, "etcd1", lambda etcd: etcd.remove_member(learner.id, deadline=10))
    assert (result["voters"], result["survives"]) == (3, 1)
    row = members[f"{learner.id:x}"]
    assert (row["role"], row["trouble"]) == ("learner", "it never started")


def test_members_of_two_minors(sites: Sites, etcd_binaries: Callable[[str], Path]) -> None:
    """In the middle of an upgrade hashes are compared as well, and each version is shown."""
    site = sites.new("3.5")
    site.load(200)
    site.supervise("stop", "etcd3")
    file = site.lab.directory / "etcd3" / "argv.json"
    argv = json.loads(file.read_text())
    file.write_text(json.dumps([str(etcd_binaries("3.6") / "etcd"), *argv[1:]]))
    site.supervise("start", "etcd3")
    site.await_ready()
    site.load(100)
    done, result, members = status(site)
    assert done.code == 0, result["findings"]
    assert {m["version"][:3] for m in members.values()} == {"3.5", "3.6"}
    assert len({m["hash"] for m in members.values()}) == 1
    assert sorted(listed(site)) == list(site.lab.names)
