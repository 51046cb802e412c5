"""A member replaced on real hosts, while clients write through the others: P5 and P6."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from over_ssh import ssh
from real_hosts import NewHostLab
from test_recovery_on_hosts import described, keys_of, recover

import requorum
from requorum.lab.hosts.description import HostLab, LabHost, Wanted
from requorum.lab.hosts.faults import lose_host
from requorum.lab.hosts.machine import boot, cut_power
from requorum.lab.hosts.stand_in_logs import acknowledged, events

pytestmark = [pytest.mark.hosts, pytest.mark.etcd]

SECONDS = 240
WRITES = 10
REQUORUM = (sys.executable, "-m", "requorum")


@dataclass(frozen=True)
class Operator:
    """Somebody with a cluster file for these hosts."""

    lab: HostLab
    state: Path
    files: tuple[object, ...] = ()

    def __call__(self, *words: str) -> tuple[int, dict[str, Any], str]:
        """Run `requorum member …`; return its exit code, its result and its words."""
        self.state.mkdir(exist_ok=True)
        file = self.state / "requorum.yaml"
        file.write_text(yaml.safe_dump({**described(self.lab), "files": list(self.files)}))
        done = subprocess.run(
            [*REQUORUM, "member", *words, "-c", str(file), "--yes", "-o", "json"],
            env=os.environ
            | {
                "PYTHONPATH": str(Path(requorum.__file__).parents[1]),
                "REQUORUM_STATE_DIR": str(self.state),
            },
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, json.loads(done.stdout), done.stderr


def let_clients_write(lab: HostLab) -> None:
    """Wait until the stand-ins were promised some more writes."""
    before, give_up = len(acknowledged(lab)), time.monotonic() + SECONDS
    while len(acknowledged(lab)) < before + WRITES:
        assert time.monotonic() < give_up, "the stand-ins write too slowly"
        time.sleep(0.1)


def failures_of_others(lab: HostLab, lost: LabHost) -> list[str]:
    """Return who of the stand-ins on the other hosts gave up after three failed writes."""
    return [f"{e.unit} {e.host}" for e in events(lab) if e.event == "fail" and e.host != lost.name]


def all_serve(lab: HostLab, code: int, result: dict[str, Any], words: str) -> None:
    """Check the result, and that all that was promised is there."""
    assert code == 0, words
    assert result["outcome"] == "replaced"
    assert all(member["healthy"] for member in result["members"]), words
    promised = acknowledged(lab)
    assert promised <= keys_of(lab)


@pytest.mark.parametrize("version", ["3.5", "3.6"])
def test_a_disk_is_lost_and_then_the_whole_host(
    new_host_lab: NewHostLab, tmp_path: Path, version: str
) -> None:
    """First a member without its data, then a new machine of its name without anything."""
    lab = new_host_lab(Wanted(etcd=version, etcd_user="etcd"))
    lost = lab.hosts[2]
    let_clients_write(lab)
    ssh(lab, lost.name, "systemctl", "kill", "--signal=KILL", "etcd")
    ssh(lab, lost.name, "systemctl", "stop", "etcd")
    ssh(lab, lost.name, "mv", lost.data_dir, f"{lost.data_dir}.lost")
    operator = Operator(lab, tmp_path / "state")
    all_serve(lab, *operator("replace", lost.member))
    assert failures_of_others(lab, lost) == []

    let_clients_write(lab)
    lose_host(lab, lost.name)
    certificates = lost.certificates
    operator = Operator(
        lab,
        tmp_path / "state",
        (
            {"path": f"/etc/systemd/system/{lost.unit}"},
            {"path": "/etc/etcd.env", "adapt": True},
            {"path": certificates.ca},
        ),
    )
    code, result, _ = operator("replace", lost.member)
    assert (code, result["outcome"]) == (3, "refused")
    assert f"requorum member furnish {lost.member}" in result["hint"]

    code, result, words = operator("furnish", lost.member)
    assert (code, result["outcome"]) == (0, "furnished"), words
    owners = ssh(lab, lost.name, "stat", "-c", "%U %a", certificates.ca, lost.data_dir)
    assert owners.stdout.splitlines() == ["etcd 600", "etcd 700"]
    assert f"ETCD_NAME={lost.member}" in ssh(lab, lost.name, "cat", "/etc/etcd.env").stdout

    code, result, _ = operator("replace", lost.member)
    assert (code, result["outcome"]) == (3, "refused")
    assert f"{certificates.cert} is not there" in result["error"]
    assert "etcd-secrets" in result["hint"]

    another = lab.hosts[0].certificates
    make_certificates(lab, lost, another.cert, another.key)
    code, result, _ = operator("replace", lost.member)
    assert f"does not name {lost.address}" in result["error"]

    make_certificates(lab, lost, certificates.cert, certificates.key)
    all_serve(lab, *operator("replace", lost.member))
    assert failures_of_others(lab, lost) == []
    assert "PRIVATE KEY" not in everything_written(tmp_path / "state")


def test_growing_back_after_a_recovery_without_one_host(
    new_host_lab: NewHostLab, tmp_path: Path
) -> None:
    """Two of three come back; the third, once its host is there again, joins what they are now."""
    lab = new_host_lab()
    first, _, absent = lab.hosts
    let_clients_write(lab)
    cut_power(lab, [absent.name])
    ssh(lab, first.name, "systemctl", "kill", "--signal=KILL", "etcd")
    ssh(lab, first.name, "systemctl", "stop", "etcd")
    ssh(lab, first.name, "mv", first.data_dir, f"{first.data_dir}.lost")
    result = recover(lab, tmp_path / "state", "--lost", absent.member)
    assert [member["name"] for member in result["members"]] == ["etcd1", "etcd2"]

    boot(lab, absent.name)
    wait_for_ssh(lab, absent.name)
    operator = Operator(lab, tmp_path / "state")
    code, result, words = operator("add", absent.member)
    assert (code, result["outcome"]) == (0, "added"), words
    assert [(m["name"], m["healthy"]) for m in result["members"]] == [
        (host.member, True) for host in lab.hosts
    ]
    assert acknowledged(lab) <= keys_of(lab)


def wait_for_ssh(lab: HostLab, name: str) -> None:
    """Wait until a host that boots lets us in."""
    give_up = time.monotonic() + SECONDS
    while ssh(lab, name, "true", check=False).returncode != 0:
        assert time.monotonic() < give_up, f"{name} does not boot"
        time.sleep(0.3)


def make_certificates(lab: HostLab, host: LabHost, cert: str, key: str) -> None:
    """Put a pair, by the names that it has where the lab made it, where the host's own are."""
    pki = lab.client.cacert.parent
    own = host.certificates
    for path, made in ((own.cert, cert), (own.key, key)):
        text = (pki / Path(made).name).read_text()
        ssh(lab, host.name, "sh", "-c", f"umask 077; printf %s '{text}' > {path}")
        ssh(lab, host.name, "chown", "etcd:etcd", path)


def everything_written(state: Path) -> str:
    """Return the text of every plan and journal."""
    return "".join(path.read_text() for path in state.glob("runs/*/*.json*"))
