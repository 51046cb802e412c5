"""Static pods, with stand-ins for kubelet and crictl: real ones are not to be had here."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from eventually import eventually

from requorum.clients.hosts.command_service import CommandServiceControl
from requorum.clients.hosts.local import LocalHost
from requorum.clients.hosts.static_pod_service import StaticPodControl, StaticPodDeadlines
from requorum.domain.cluster import CommandService
from requorum.errors import StepFailed

pytestmark = pytest.mark.processes

STAND_INS = Path(__file__).parent / "stand_ins"
MANIFEST = """\
kind: Pod
metadata:
  # pod: etcd-cp1
  name: etcd
  namespace: kube-system
spec:
  containers:
    # container: etcd
    - name: etcd
"""


class Node:
    """A host with the stand-ins. `program` is what every container runs, in a shell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = folder / "manifests" / "etcd.yaml"
        self.parked = folder / "manifests.requorum" / "etcd.yaml"
        self.kubelet: subprocess.Popen[bytes] | None = None
        for name in ("manifests", "containers"):
            (folder / name).mkdir()
        self.program("exec sleep 600")

    def program(self, script: str) -> None:
        """Set what containers run."""
        (self.folder / "containers" / "program").write_text(script)

    def start_kubelet(self) -> None:
        """Start the stand-in for kubelet."""
        argv = [sys.executable, STAND_INS / "kubelet", self.folder]
        self.kubelet = subprocess.Popen(argv, start_new_session=True)
        (self.folder / "kubelet.pid").write_text(str(self.kubelet.pid))

    def end_kubelet(self) -> None:
        """End it; its containers go on."""
        if self.kubelet is not None:
            self.kubelet.terminate()
            self.kubelet.wait()
            (self.folder / "kubelet.pid").unlink()
            self.kubelet = None

    def containers(self) -> list[str]:
        """Return the names of the containers that there are."""
        return sorted(path.stem for path in (self.folder / "containers").glob("*.json"))

    def ended_container(self, name: str, created: int, *, log: str) -> None:
        """Leave a container that has ended."""
        (self.folder / "containers" / f"{name}.log").write_text(log)
        who = {"pod": "etcd-cp1", "namespace": "kube-system", "container": "etcd"}
        content = {"id": name, "pid": 0, "running": False, "created": created, **who}
        (self.folder / "containers" / f"{name}.json").write_text(json.dumps(content))

    def control(self) -> StaticPodControl:
        """Return the control of its pod, with short deadlines."""
        kubelet = CommandService(
            start=("true",), stop=("true",), status=("test", "-e", f"{self.folder}/kubelet.pid")
        )
        return StaticPodControl(
            LocalHost(),
            str(self.manifest),
            kubelet=CommandServiceControl(LocalHost(), kubelet),
            deadlines=StaticPodDeadlines(start=3, stop=3),
        )


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    """Return a node whose stand-ins end with the test."""
    monkeypatch.setenv("PATH", f"{STAND_INS}:{os.environ['PATH']}")
    monkeypatch.setenv("STAND_IN_STATE", str(tmp_path))
    node = Node(tmp_path)
    node.start_kubelet()
    try:
        yield node
    finally:
        node.manifest.unlink(missing_ok=True)
        if node.kubelet is None:
            node.start_kubelet()
        end = time.monotonic() + 5
        while node.manifest.name in node.containers() and time.monotonic() < end:
            time.sleep(0.02)
        node.end_kubelet()
        for path in (tmp_path / "containers").glob("*.json"):
            if pid := json.loads(path.read_text())["pid"]:
                os.killpg(pid, signal.SIGKILL)


async def test_life_of_a_pod(node: Node) -> None:
    """Stopped by taking the manifest away, started by putting it back, byte for byte."""
    node.manifest.write_text(MANIFEST)
    service = node.control()
    await service.start()
    assert await service.running()
    before = node.manifest.stat()
    await service.stop()
    assert not await service.running()
    assert node.containers() == []
    assert (node.manifest.exists(), node.parked.exists()) == (False, True)
    await service.start()
    assert await service.running()
    assert node.manifest.stat().st_ino == before.st_ino
    assert not node.parked.exists()


async def test_stopping_and_starting_again(node: Node) -> None:
    """What is done already is not done twice."""
    node.manifest.write_text(MANIFEST)
    service = node.control()
    await service.start()
    await service.start()
    await service.stop()
    await service.stop()
    assert node.parked.exists()


async def test_a_container_that_keeps_ending(node: Node) -> None:
    """It counts as running, since kubelet starts it again; starting it fails with its words."""
    node.program("echo no quorum >&2; exit 1")
    node.manifest.write_text(MANIFEST)
    service = node.control()
    await eventually(lambda: node.containers() == ["etcd.yaml"])
    assert await service.running()
    await service.stop()
    assert not await service.running()


async def test_a_container_that_does_not_come(node: Node) -> None:
    """The deadline passes, and the error has the last lines of the newest container."""
    node.parked.parent.mkdir()
    node.parked.write_text(MANIFEST)
    node.end_kubelet()
    (node.folder / "kubelet.pid").write_text("it is said to run")
    with pytest.raises(StepFailed, match=r"3 s after .* was put in place, and there was none"):
        await node.control().start()
    for name, created in (("old", 1), ("new", 2)):
        node.ended_container(name, created, log="first line\n" * 20 + f"{name} line\n")
    with pytest.raises(StepFailed, match="no container of ") as caught:
        await node.control().start()
    assert caught.value.message.count("\n  first line") == 9
    assert caught.value.message.endswith("\n  new line")


async def test_a_dead_kubelet(node: Node) -> None:
    """Nobody would end the container, so the runtime is asked to; nobody would start it."""
    node.manifest.write_text(MANIFEST)
    service = node.control()
    await service.start()
    node.end_kubelet()
    assert node.containers() == ["etcd.yaml"]
    await service.stop()
    assert node.containers() == []
    with pytest.raises(StepFailed, match="kubelet does not run on local") as caught:
        await service.start()
    assert caught.value.hint


async def test_a_pod_that_stays(node: Node) -> None:
    """A kubelet that does nothing is a failed step that says so."""
    node.manifest.write_text(MANIFEST)
    service = node.control()
    await service.start()
    assert node.kubelet is not None
    node.kubelet.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(StepFailed, match="is still there on local 3 s after") as caught:
            await service.stop()
    finally:
        node.kubelet.send_signal(signal.SIGCONT)
    assert "kubelet" in str(caught.value.hint)


async def test_a_manifest_that_was_written_anew(node: Node) -> None:
    """Neither of the two is overwritten."""
    node.manifest.write_text(MANIFEST)
    node.parked.parent.mkdir()
    node.parked.write_text("kind: Pod # mine\n")
    with pytest.raises(StepFailed, match="exists again although it was set aside"):
        await node.control().stop()
    assert node.parked.read_text() == "kind: Pod # mine\n"


async def test_other_pods_are_not_it(node: Node) -> None:
    """Another pod's container is none of ours, in another namespace or of another name."""
    for name, old, new in (
        ("other.yaml", "etcd-cp1", "kube-apiserver-cp1"),
        ("elsewhere.yaml", "namespace: kube-system", "namespace: default"),
    ):
        (node.folder / "manifests" / name).write_text(MANIFEST.replace(old, new))
    node.parked.parent.mkdir()
    node.parked.write_text(MANIFEST)
    await eventually(lambda: len(node.containers()) == 2)
    assert not await node.control().running()
    for name in ("other.yaml", "elsewhere.yaml"):
        (node.folder / "manifests" / name).unlink()


async def test_two_pods_that_may_be_it(node: Node) -> None:
    """Which of them is ours is not guessed."""
    (node.folder / "manifests" / "events.yaml").write_text(
        MANIFEST.replace("etcd-cp1", "etcd-events-cp1")
    )
    node.manifest.write_text(MANIFEST)
    await eventually(lambda: len(node.containers()) == 2)
    with pytest.raises(StepFailed, match=r"several pods .*: etcd-cp1, etcd-events-cp1"):
        await node.control().start()
    (node.folder / "manifests" / "events.yaml").unlink()


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "there is no manifest .* and none was set aside"), ("kind: Job\n", "not the manifest")],
)
async def test_no_manifest(node: Node, text: str | None, said: str) -> None:
    """That says nothing about the member."""
    if text is not None:
        node.parked.parent.mkdir()
        node.parked.write_text(text)
    with pytest.raises(StepFailed, match=said):
        await node.control().running()


async def test_crictl_that_cannot_tell(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its words are passed on; silence is not taken for "it is stopped"."""
    node.parked.parent.mkdir()
    node.parked.write_text(MANIFEST)
    monkeypatch.setenv("STAND_IN_STATE", "/dev/null")
    monkeypatch.delenv("STAND_IN_STATE")
    with pytest.raises(StepFailed, match=r"`crictl ps` on local: KeyError") as caught:
        await node.control().running()
    assert "crictl.yaml" in str(caught.value.hint)
