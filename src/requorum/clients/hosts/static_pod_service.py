"""A static pod: kubelet runs it as long as its manifest lies in kubelet's folder.

To stop it is to take the manifest out of that folder, and that is a fence, too: neither kubelet
nor a reboot starts a pod whose manifest is not there. While kubelet itself is stopped nobody stops
the container; then the container runtime is asked to.
"""

import asyncio
from dataclasses import dataclass
from posixpath import dirname

from requorum.clients.hosts.crictl import Crictl
from requorum.clients.hosts.text_file import read_text
from requorum.domain.static_pod_files import parked_manifest
from requorum.errors import DamagedInput, StepFailed
from requorum.formats.etcd_settings.pod_identity import PodIdentity, parse_pod_identity
from requorum.ports.host import Host
from requorum.ports.service import ServiceControl

_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticPodDeadlines:
    """How long each may take, in seconds. kubelet looks at its folder every 20 s at the latest."""

    start: float = 300.0
    stop: float = 180.0


_DEADLINES = StaticPodDeadlines()


class StaticPodControl:
    """Starts, stops and asks for the pod of one manifest. `kubelet` is the service of kubelet."""

    def __init__(
        self,
        host: Host,
        manifest: str,
        *,
        kubelet: ServiceControl,
        deadlines: StaticPodDeadlines = _DEADLINES,
    ) -> None:
        self._host = host
        self._manifest = manifest
        self._parked = parked_manifest(manifest)
        self._kubelet = kubelet
        self._deadlines = deadlines

    async def running(self) -> bool:
        """Return whether a container of the pod runs, or its manifest is where kubelet reads it.

        With the manifest in place kubelet starts the container at any moment, or as soon as it is
        started itself. StepFailed when it cannot be told.
        """
        if await self._in_place():
            return True
        crictl = await self._crictl()
        return any(container.running for container in await crictl.containers())

    async def start(self) -> None:
        """Put the manifest back and wait until a container runs; StepFailed with its last lines."""
        if not await self._in_place():
            await self._crictl()  # what is no manifest is not given to kubelet
            await self._host.rename(self._parked, self._manifest)
        if not await self._kubelet.running():
            raise StepFailed(
                f"kubelet does not run on {self._host.name}, so nobody starts the pod of "
                f"{self._manifest}",
                hint="Start kubelet, then `requorum runs resume`.",
            )
        await self._until_it_runs(await self._crictl())

    async def _until_it_runs(self, crictl: Crictl) -> None:
        end = _now() + self._deadlines.start
        while not any(container.running for container in await crictl.containers()):
            if _now() > end:
                raise StepFailed(
                    f"no container of {self._manifest} runs on {self._host.name} "
                    f"{self._deadlines.start:g} s after the manifest was put in place"
                    + await _last_log(crictl),
                    hint="`journalctl -u kubelet` and `crictl ps -a` on that host say more.",
                )
            await asyncio.sleep(_POLL_SECONDS)

    async def stop(self) -> None:
        """Take the manifest away and wait until the pod is gone; StepFailed when it stays."""
        await self._park()
        crictl = await self._crictl()
        end = _now() + self._deadlines.stop
        if not await self._kubelet.running():
            for sandbox in await crictl.ready_pods():
                await crictl.stop_pod(sandbox, deadline=self._deadlines.stop)
        while await self._is_there(crictl):
            if _now() > end:
                raise StepFailed(
                    f"the pod of {self._manifest} is still there on {self._host.name} "
                    f"{self._deadlines.stop:g} s after its manifest was taken away",
                    hint="`journalctl -u kubelet` on that host says why kubelet keeps it.",
                )
            await asyncio.sleep(_POLL_SECONDS)

    async def _is_there(self, crictl: Crictl) -> bool:
        """Return whether a container runs, or kubelet still keeps the pod and may start one."""
        running = any(container.running for container in await crictl.containers())
        return running or bool(await crictl.ready_pods())

    async def _park(self) -> None:
        if not await self._in_place():
            return
        if await self._host.stat(self._parked) is not None:
            raise StepFailed(
                f"{self._manifest} exists again although it was set aside as {self._parked}",
                hint="Something wrote it anew. Look at both, move one away, and try again.",
            )
        await self._host.make_dirs(dirname(self._parked))
        await self._host.rename(self._manifest, self._parked)

    async def _in_place(self) -> bool:
        return await self._host.stat(self._manifest) is not None

    async def _crictl(self) -> Crictl:
        """Return crictl for the manifest's pod; StepFailed where there is no manifest of a pod."""
        for path in (self._manifest, self._parked):
            if await self._host.stat(path) is not None:
                text = await read_text(self._host, path)
                return Crictl(self._host, _identity(path, text))
        raise StepFailed(
            f"there is no manifest {self._manifest} on {self._host.name}, and none was set aside",
            hint="Correct `manifest` in the cluster file, or put it back from a backup.",
        )


def _identity(path: str, text: str) -> PodIdentity:
    try:
        return parse_pod_identity(text)
    except DamagedInput as error:
        raise StepFailed(f"{path}: {error.message}", hint=error.hint) from error


async def _last_log(crictl: Crictl) -> str:
    """Return the last lines of the newest container, "" where there is none."""
    containers = await crictl.containers()
    if not containers:
        return ", and there was none"
    return await crictl.log(max(containers, key=lambda container: container.created).id)


def _now() -> float:
    return asyncio.get_running_loop().time()
