"""What we started on a host ends when we are killed, though nobody closes anything then."""

import json
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from eventually import eventually
from on_this_machine import Reach, alive
from sshd import Sshd

_US = """
import asyncio, json, sys
from requorum.clients.hosts.ssh.destination import SshSettings
from requorum.clients.hosts.ssh.host import SshHost

async def main():
    destination, folder, settings = sys.argv[1:]
    settings = {k: tuple(v) if isinstance(v, list) else v for k, v in json.loads(settings).items()}
    host = SshHost("far", destination, SshSettings(**settings))
    async with host.lock(f"{folder}/lock", holder="us"):
        process = await host.spawn(("sleep", "600"), log=f"{folder}/log")
        print(process.pid, flush=True)
        script = f"echo $$ > {folder}/tool; exec sleep 600"
        await host.run(("sh", "-c", script), deadline=600, dies_with_us=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("by", ["SIGKILL", "SIGTERM"])
async def test_killed(shared_sshd: Sshd, reach: Reach, tmp_path: Path, by: str) -> None:
    """The background process, the tool that writes, and the lock."""
    settings = json.dumps(asdict(shared_sshd.settings()))
    argv = [sys.executable, "-c", _US, shared_sshd.destination, str(tmp_path), settings]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as us:  # noqa: ASYNC220
        assert us.stdout is not None
        spawned = int(us.stdout.readline())
        tool_file = tmp_path / "tool"
        await eventually(lambda: tool_file.exists() and tool_file.read_text().endswith("\n"))
        tool = int(tool_file.read_text())
        assert alive(spawned)
        assert alive(tool)
        us.send_signal(signal.Signals[by])
    await eventually(lambda: not alive(spawned))
    await eventually(lambda: not alive(tool))
    await eventually(lambda: not (tmp_path / "lock").exists())
    async with reach(shared_sshd).lock(f"{tmp_path}/lock", holder="next"):
        assert (tmp_path / "lock").read_text() == "next"
