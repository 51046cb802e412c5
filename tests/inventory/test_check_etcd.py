"""`requorum inventory check` on real etcd of every minor, over TLS: alive, dead, misdescribed."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
import yaml
from inventory_command import run
from lab_certificates import certificates

from requorum.clients.etcd.channel import TlsMaterial
from requorum.clients.etcd.client import connect
from requorum.lab.layout import Lab
from requorum.lab.practice import crash, wait_ready
from requorum.ports.etcd import Etcd

pytestmark = [pytest.mark.etcd]


def checked(folder: Path, file: Path) -> tuple[int, dict[tuple[str, str], str]]:
    """Return how `check -o json` ended, and each subject's and check's verdict."""
    done = run(folder, "-c", str(file), "-o", "json", command="check")
    assert done.stdout, done.stderr
    found = {(c["subject"], c["check"]): c["verdict"] for c in json.loads(done.stdout)["checks"]}
    return done.returncode, found


async def _wait(lab: Lab, tls: TlsMaterial) -> None:
    def make(url: str) -> Etcd:
        return connect(url, tls=tls, credentials=None)

    await wait_ready(lab, make, deadline=60)


def test_alive_misdescribed_and_dead(
    tmp_path: Path, practice_cluster: object, etcd_minor: str
) -> None:
    """A living cluster passes; a stray, a lost disk and certificates that are no use are named."""
    tls = certificates(tmp_path)
    lab: Lab = practice_cluster(etcd_minor, tls=tls)  # type: ignore[operator]
    material = TlsMaterial(*(path.read_bytes() for path in (tls.cacert, tls.cert, tls.key)))
    asyncio.run(_wait(lab, material))
    first, second, third = lab.names
    code, found = checked(tmp_path, lab.cluster_file)
    assert (code, "fail" in found.values()) == (0, False), found
    assert found["cluster", "members"] == "ok"

    described = yaml.safe_load(lab.cluster_file.read_text())
    without = tmp_path / "without.yaml"
    without.write_text(yaml.safe_dump({**described, "members": described["members"][:2]}))
    code, found = checked(tmp_path, without)
    assert (code, found[third, "members"]) == (1, "fail")

    useless = tmp_path / "useless.yaml"
    paths = {"cacert": "/nowhere/ca.pem", "cert": "/nowhere/c.pem", "key": "/nowhere/k.pem"}
    useless.write_text(yaml.safe_dump({**described, "tls": paths}))
    code, found = checked(tmp_path, useless)
    assert (code, found["cluster", "tls"], found[first, "host"]) == (1, "fail", "ok")

    crash(lab.directory)
    shutil.move(lab.data_dir(first), tmp_path / "lost")
    shutil.copytree(lab.data_dir(second), f"{lab.data_dir(second)}.bak")
    code, found = checked(tmp_path, lab.cluster_file)
    assert code == 1
    expected = {
        (first, "data"): "fail",
        (second, "old-data"): "warn",
        (third, "serves"): "fail",
        (third, "peer-url"): "fail",
        (third, "disk"): "ok",
        ("cluster", "quorum"): "fail",
        ("cluster", "members"): "warn",
    }
    assert {key: found.get(key) for key in expected} == expected
