"""A member replaced where TLS and authentication are on."""

from dataclasses import replace

import pytest
from practice_site import Site
from sites import Sites
from test_member_replace import ONE_ELECTION, replace_under_load, replaced
from test_secrets import PASSWORD, enable_auth, write_tls

pytestmark = pytest.mark.etcd


@pytest.fixture(scope="module", params=["3.5", "3.6"])
def secured(
    request: pytest.FixtureRequest, sites: Sites, tmp_path_factory: pytest.TempPathFactory
) -> Site:
    """Return a cluster with TLS and authentication, of which one member lost its disk."""
    tls = write_tls(tmp_path_factory.mktemp("tls"))
    site = sites.new(request.param, tls=tls)
    enable_auth(site, tls)
    site = replace(site, login=("root", PASSWORD))
    site.load(200)
    site.supervise("kill", "etcd3")
    site.damage("lost-disk:etcd3")
    return site


def test_without_a_user(secured: Site) -> None:
    """Who may not ask is told to give a user; nothing is done."""
    done = secured.member("replace", "etcd3")
    assert done.code != 0
    assert "user" in done.hint
    assert not secured.journal_lines()


def test_with_one(secured: Site) -> None:
    """No write fails, and the password is in nothing that is kept."""
    site = replace(secured, env={"ETCDCTL_USER": f"root:{PASSWORD}"})
    done, failed = replace_under_load(site)
    replaced(site, done)
    assert failed <= ONE_ELECTION
    kept = [path for path in site.state_dir.rglob("*") if path.is_file() and path.suffix != ".db"]
    assert kept
    assert not any(PASSWORD.encode() in path.read_bytes() for path in kept)
