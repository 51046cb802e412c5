"""A rescue on real hosts that fences members and changes their settings, killed and taken back."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from host_cluster import described, environment_of, requorum_on
from over_ssh import ssh
from real_hosts import NewHostLab

from requorum.lab.hosts.description import EtcdStyle, HostLab, Wanted
from requorum.lab.hosts.etcd_settings import CONFIG_FILE, ENV_FILE

pytestmark = [pytest.mark.hosts, pytest.mark.etcd, pytest.mark.timeout(600)]

FILES = {
    EtcdStyle.ENV_FILE: ENV_FILE,
    EtcdStyle.FLAGS: "/etc/systemd/system/etcd.service",
    EtcdStyle.CONFIG_FILE: CONFIG_FILE,
}
SECONDS = 240.0


def break_it(lab: HostLab) -> None:
    """Stop all, lose the data of two, and let their settings name a member that is no more."""
    path = FILES[lab.wanted.style]
    for number, host in enumerate(lab.hosts):
        script = "systemctl stop etcd"
        if number:
            script += f"; mv {host.data_dir} {host.data_dir}.lost"
            script += f"; sed -i 's/{lab.hosts[0].member}=/gone=/' {path}"
        ssh(lab, host.name, "sh", "-c", f"{script}; systemctl daemon-reload")


def look(lab: HostLab) -> list[str]:
    """Return each host's settings file, its owner, mode and inode, the unit and its data."""
    path = FILES[lab.wanted.style]
    script = (
        f"sha256sum {path}; stat --format='%u %g %a %i' {path}; "
        "systemctl show -p NeedDaemonReload,ActiveState,DropInPaths etcd; "
        "find {data} -type f -exec sha256sum {{}} + 2>/dev/null | sort; true"
    )
    return [ssh(lab, h.name, "sh", "-c", script.format(data=h.data_dir)).stdout for h in lab.hosts]


def killed_when(description: dict[str, Any], state: Path, kind: str, event: str) -> str:
    """Start a recovery, SIGKILL it once a step of that kind has that event; return the run."""
    state.mkdir(exist_ok=True)
    (state / "requorum.yaml").write_text(yaml.safe_dump(description))
    old = set((state / "runs").glob("*/journal.jsonl"))
    process = subprocess.Popen(
        [sys.executable, "-m", "requorum", "recover", "--yes", "--no-backup"],
        env=environment_of(state),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    give_up = time.monotonic() + SECONDS
    try:
        while process.poll() is None and not _has(state, old, kind, event):
            assert time.monotonic() < give_up
            time.sleep(0.01)
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    return max(path.name for path in (state / "runs").iterdir())


def _has(state: Path, old: set[Path], kind: str, event: str) -> bool:
    """Return whether the journal of the new run says so of some step of that kind."""
    for journal in set((state / "runs").glob("*/journal.jsonl")) - old:
        steps = json.loads((journal.parent / "plan.json").read_text())["steps"]
        numbers = [_step(line) for line in journal.read_text().splitlines() if event in line]
        if any(number is not None and steps[number]["kind"] == kind for number in numbers):
            return True
    return False


def _step(line: str) -> int | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None  # it is being written
    number = found.get("event", found).get("step")
    return number if isinstance(number, int) else None


@pytest.mark.parametrize("style", list(EtcdStyle))
def test_killed_taken_back_and_done(
    new_host_lab: NewHostLab, tmp_path: Path, style: EtcdStyle
) -> None:
    """Meanwhile nobody can start a member; a rollback restores every byte; a resumed run ends."""
    lab = new_host_lab(Wanted(stand_ins=False, style=style))
    break_it(lab)
    description, state, path = described(lab), tmp_path / "state", FILES[style]
    before = look(lab)

    plan = requorum_on(description, state, "recover", "--plan", "-o", "json")
    kinds = [step["kind"] for step in json.loads(plan.stdout)["steps"]]
    assert kinds.index("fence-member") < kinds.index("build-image")
    assert kinds.count("change-settings") == 2
    assert (
        kinds.index("restore-member") < kinds.index("change-settings") < kinds.index("lift-fence")
    )

    run = killed_when(description, state, "change-settings", "step-begun")
    for host in lab.hosts:
        refused = ssh(lab, host.name, "systemctl", "start", "etcd", check=False)
        assert refused.returncode != 0
        assert ssh(lab, host.name, "pgrep", "-x", "etcd", check=False).stdout == ""
        assert run in ssh(lab, host.name, "systemctl", "cat", "etcd").stdout
    done = requorum_on(description, state, "runs", "rollback", run, "--yes")
    assert done.returncode == 0, done.stderr
    assert look(lab) == before

    run = killed_when(description, state, "change-settings", "step-done")
    done = requorum_on(description, state, "runs", "resume", run, "--yes", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert all(member["healthy"] for member in json.loads(done.stdout)["members"])
    for host in lab.hosts:
        assert "gone=" not in ssh(lab, host.name, "cat", path).stdout
        assert "requorum" not in ssh(lab, host.name, "systemctl", "cat", "etcd").stdout
    inspected = requorum_on(description, state, "inspect", "member")
    assert inspected.returncode == 0, inspected.stdout + inspected.stderr


def test_a_contradiction_is_refused_with_both_places(host_lab: HostLab, tmp_path: Path) -> None:
    """Nothing is planned on a directory that the member does not use."""
    host, description = host_lab.hosts[0], described(host_lab)
    description["members"][0]["data_dir"] = "/srv/elsewhere"
    for each in host_lab.hosts:
        ssh(host_lab, each.name, "systemctl", "stop", "kubelet", "kube-apiserver", "etcd")
    done = requorum_on(description, tmp_path, "recover", "--plan")
    assert done.returncode == 3
    assert "says data_dir: /srv/elsewhere" in done.stderr
    assert f"runs with {host.data_dir} ({ENV_FILE}:" in done.stderr
    for each in host_lab.hosts:
        ssh(host_lab, each.name, "systemctl", "--no-block", "start", "etcd", *CLIENTS)


CLIENTS = ("kube-apiserver", "kubelet")
