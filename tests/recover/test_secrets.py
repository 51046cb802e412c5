"""TLS with client certificates and a user with a password: recovered, and nowhere told."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

import pytest
import supervisor
import trustme
from killed_run import healthy_without_loss
from practice_site import Site
from sites import Sites

from requorum.lab.layout import TlsFiles

pytestmark = pytest.mark.etcd

PASSWORD = f"m3rry-{token_hex(4)}"
"""Of a cluster that lives for a minute; another run of this test has another one."""


def write_tls(folder: Path) -> TlsFiles:
    """Write a CA and one certificate that serves members and clients."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    tls = TlsFiles(cacert=folder / "ca.pem", cert=folder / "cert.pem", key=folder / "key.pem")
    authority.cert_pem.write_to_path(tls.cacert)
    issued.private_key_pem.write_to_path(tls.key)
    for blob in issued.cert_chain_pems:
        blob.write_to_path(tls.cert, append=True)
    return tls


def enable_auth(site: Site, tls: TlsFiles) -> None:
    """Make the user root and turn authentication on."""
    files = (f"--cacert={tls.cacert}", f"--cert={tls.cert}", f"--key={tls.key}")
    etcdctl = (str(site.lab.bin_dir / "etcdctl"), f"--endpoints={site.lab.client_urls[0]}", *files)
    for words in (
        ("user", "add", f"root:{PASSWORD}"),
        ("user", "grant-role", "root", "root"),
        ("auth", "enable"),
    ):
        env = {"ETCDCTL_API": "3"}
        subprocess.run([*etcdctl, *words], env=env, check=True, capture_output=True, timeout=30)


@pytest.fixture(scope="module", params=["3.5", "3.4"])
def crash(
    request: pytest.FixtureRequest, sites: Sites, tmp_path_factory: pytest.TempPathFactory
) -> Site:
    """Return a crash of a cluster with TLS and authentication."""
    tls = write_tls(tmp_path_factory.mktemp("tls"))
    site = sites.new(request.param, tls=tls)
    enable_auth(site, tls)
    site = replace(site, login=("root", PASSWORD))
    site.load(500, then=site.kill_all)
    site.damage("lost-disk:etcd1", "db-truncated:etcd2")
    site.keep()
    return site


@contextmanager
def watched_processes() -> Iterator[list[str]]:
    """Collect the command line of every process that is there meanwhile and names the password."""
    seen: list[str] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.005):
            lines = (supervisor.cmdline(entry) for entry in Path("/proc").glob("[0-9]*"))
            seen.extend(str(line) for line in lines if PASSWORD.encode() in line)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join(10)


def test_with_a_password_that_nobody_sees(crash: Site, tmp_path: Path) -> None:
    """It serves to log in, and is in no output, no record, no command line, no child's environ."""
    site = replace(crash.put_back(tmp_path / "state"), env={"ETCDCTL_PASSWORD": PASSWORD})
    with watched_processes() as seen:
        done = site.recover("--user", "root")
    assert done.code == 0, done.stderr
    healthy_without_loss(site, done.result)
    assert site.verdict().clean
    assert PASSWORD not in done.stdout + done.stderr
    assert not seen
    for path in (path for path in site.state_dir.rglob("*") if path.is_file()):
        assert PASSWORD.encode() not in path.read_bytes(), path
    for name in site.lab.names:
        pid = supervisor.pid_of(site.argv(name))
        assert PASSWORD.encode() not in Path(f"/proc/{pid}/environ").read_bytes(), name


def test_without_any_user(crash: Site, tmp_path: Path) -> None:
    """Nothing in a recovery needs a user: a refusal by auth comes from a member that serves."""
    site = crash.put_back(tmp_path / "state")
    done = site.recover()
    assert done.code == 0, done.stderr
    healthy_without_loss(site, done.result)
    assert site.verdict().clean
    assert site.recover().result["outcome"] == "nothing-to-do"
    members_that_bar_us_are_not_dead(site, tmp_path)


def members_that_bar_us_are_not_dead(site: Site, tmp_path: Path) -> None:
    """Give a wrong CA or password: what serves is left alone, and the way in is named."""
    other = write_tls(tmp_path)
    wrong_ca = site.recover("--cacert", str(other.cacert))
    assert (wrong_ca.code, wrong_ca.result["outcome"]) == (3, "refused"), wrong_ca.stderr
    assert "etcd1, etcd2, etcd3 run and do not talk to us" in wrong_ca.result["error"]
    assert "not signed by the CA" in wrong_ca.result["hint"]

    wrong_password = replace(site, env={"ETCDCTL_PASSWORD": "guess"}).recover("--user", "root")
    assert wrong_password.code == 3, wrong_password.stderr
    assert "invalid user ID or password" in wrong_password.result["error"]
    assert "the password" in wrong_password.result["hint"]
    assert all(site.runs(name) for name in site.lab.names)


def test_a_survivor_that_wants_a_user(crash: Site, tmp_path: Path) -> None:
    """One of three cannot be a quorum, whatever it keeps from us: it is stopped and rescued."""
    site = crash.put_back(tmp_path / "state")
    site.supervise("start", "etcd3")
    done = site.recover()
    assert done.code == 0, done.stderr
    assert "stop etcd3" in done.stderr
    healthy_without_loss(site, done.result)
    assert site.verdict().clean
