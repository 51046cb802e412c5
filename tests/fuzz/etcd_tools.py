"""What etcd's own tools say of a file: the measure of what must be called damaged."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

_SECONDS = 60
_DATA_KIB = 4 << 20
"""A damaged file may make the tool allocate what a page says; the machine has other work, too."""


@dataclass(frozen=True)
class Accepted:
    """It printed its answer."""

    text: str
    kind = "accepted"


@dataclass(frozen=True)
class Refusal:
    """It did not: it refused with an error, panicked, or never ended."""

    kind: str
    text: str


@dataclass(frozen=True)
class Tools:
    """The directories of etcd's binaries, by minor."""

    binaries: Mapping[str, Path]

    async def snapshot_status(self, minor: str, path: Path) -> Accepted | Refusal:
        """Run `etcdutl snapshot status`, of 3.4 `etcdctl snapshot status`."""
        tool = "etcdctl" if minor == "3.4" else "etcdutl"
        argv = [str(self.binaries[minor] / tool), "snapshot", "status", str(path)]
        process = await asyncio.create_subprocess_exec(
            "sh",
            "-c",
            f'ulimit -d {_DATA_KIB}; exec "$0" "$@"',
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"ETCDCTL_API": "3"},
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(_SECONDS):
                out, err = await process.communicate()
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, SIGKILL)
            await process.wait()
            return Refusal("hung", f"no end within {_SECONDS} s")
        if process.returncode == 0:
            return Accepted(out.decode("utf-8", "replace"))
        text = err.decode("utf-8", "replace")
        panicked = "panic" in text or "fault" in text or "fatal error" in text
        return Refusal("panicked" if panicked else "refused", text[:300])
