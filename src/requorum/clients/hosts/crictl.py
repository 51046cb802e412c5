"""crictl on a host: which containers and pods the container runtime has.

Source: kubernetes-sigs/cri-tools, `crictl ps` and `crictl pods` with `--output=json`; kubelet's
labels on each container.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from requorum.errors import DeadlineExceeded, StepFailed
from requorum.formats.etcd_settings.pod_identity import PodIdentity
from requorum.ports.host import Completed, Host

ASK_DEADLINE = 30.0
_LOG_LINES = 10
_SHOWN_CHARACTERS = 400
_CONTAINER = "io.kubernetes.container.name"
_POD = "io.kubernetes.pod.name"
_NAMESPACE = "io.kubernetes.pod.namespace"


@dataclass(frozen=True, slots=True)
class Container:
    """A container of the pod; `created` in ns since the epoch."""

    id: str
    running: bool
    created: int


class Crictl:
    """The containers of one static pod."""

    def __init__(self, host: Host, pod: PodIdentity) -> None:
        self._host = host
        self._pod = pod

    async def containers(self) -> tuple[Container, ...]:
        """Return the pod's containers, ended ones as well; StepFailed when crictl cannot tell."""
        label = f"--label={_NAMESPACE}={self._pod.namespace}"
        answer = await self._json("ps", "--all", label, key="containers")
        return tuple(
            Container(
                id=str(each.get("id")),
                running=each.get("state") == "CONTAINER_RUNNING",
                created=int(str(each.get("createdAt") or 0)),
            )
            for each in self._ours(answer)
            if _labels(each).get(_CONTAINER) in self._pod.containers
        )

    async def ready_pods(self) -> tuple[str, ...]:
        """Return the ids of the pod's sandboxes that are ready: kubelet may start containers."""
        answer = await self._json("pods", f"--namespace={self._pod.namespace}", key="items")
        ready = [each for each in answer if each.get("state") == "SANDBOX_READY"]
        return tuple(str(each.get("id")) for each in self._ours(ready))

    async def stop_pod(self, sandbox: str, *, deadline: float) -> None:
        """Have the runtime stop a pod's containers: SIGTERM, and time to end."""
        await self._run("stopp", sandbox, deadline=deadline)

    async def log(self, container: str) -> str:
        """Return the container's last lines, each on a line of its own.

        They explain an error, so that they cannot be had is said in their place.
        """
        try:
            done = await self._run("logs", f"--tail={_LOG_LINES}", container, deadline=ASK_DEADLINE)
        except StepFailed as error:
            return f"\n  its log could not be read: {error}"
        lines = (done.stdout + done.stderr).splitlines()[-_LOG_LINES:]
        return "".join(f"\n  {line[:_SHOWN_CHARACTERS]}" for line in lines)

    def _ours(self, answer: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
        """Return what belongs to the pod, which kubelet calls NAME-NODE.

        StepFailed where two pods could be it: etcd-cp1 and etcd-events-cp1.
        """
        found = [each for each in answer if self._may_be_ours(_labels(each))]
        names = sorted({_labels(each)[_POD] for each in found})
        if len(names) > 1:
            raise StepFailed(
                f"several pods on {self._host.name} may be that of the manifest: "
                f"{', '.join(names)}",
                hint="Give the pod a name of its own in the manifest's metadata.",
            )
        return found

    def _may_be_ours(self, labels: Mapping[str, str]) -> bool:
        name = labels.get(_POD, "")
        alike = name == self._pod.name or name.startswith(f"{self._pod.name}-")
        return alike and labels.get(_NAMESPACE) == self._pod.namespace

    async def _json(self, verb: str, *arguments: str, key: str) -> Sequence[Mapping[str, object]]:
        done = await self._run(verb, *arguments, "--output=json", deadline=ASK_DEADLINE)
        try:
            answer = json.loads(done.stdout)
            return [each for each in answer.get(key) or () if isinstance(each, dict)]
        except (ValueError, AttributeError, RecursionError) as error:
            raise StepFailed(
                f"`crictl {verb}` on {self._host.name} did not answer in JSON: {error}"
            ) from error

    async def _run(self, verb: str, *arguments: str, deadline: float) -> Completed:
        try:
            done = await self._host.run(("crictl", verb, *arguments), deadline=deadline)
        except DeadlineExceeded as error:
            raise StepFailed(
                f"`crictl {verb}` on {self._host.name} did not end within {deadline:g} s"
            ) from error
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise StepFailed(
                f"`crictl {verb}` on {self._host.name}: "
                + ("".join(said) or f"exit status {done.returncode}"),
                hint="crictl needs the runtime's socket: see /etc/crictl.yaml on that host.",
            )
        return done


def _labels(each: Mapping[str, object]) -> Mapping[str, str]:
    labels = each.get("labels")
    return labels if isinstance(labels, dict) else {}
