"""The configure command of a member that commands run."""

import sys
from pathlib import Path

import pytest

from requorum.clients.hosts.command_settings import CommandSettingsControl
from requorum.clients.hosts.local import LocalHost
from requorum.errors import StepFailed

pytestmark = pytest.mark.processes

RECORD = "import sys; open(sys.argv[1], 'w').write('\\n'.join(sys.argv[2:]))"


async def test_flags_are_appended(tmp_path: Path) -> None:
    """Each is one argument; to go back none is given."""
    said = tmp_path / "said"
    control = CommandSettingsControl(LocalHost(), (sys.executable, "-c", RECORD, str(said)))
    await control.change("run", {"initial-cluster": "a=b,c=d e", "initial-cluster-state": "x"})
    assert said.read_text() == "--initial-cluster=a=b,c=d e\n--initial-cluster-state=x"
    await control.put_back("run")
    assert said.read_text() == ""


async def test_a_failure_has_the_commands_own_words() -> None:
    """Its last words and its status are told."""
    command = (sys.executable, "-c", "import sys; sys.exit('no such flag')")
    control = CommandSettingsControl(LocalHost(), command)
    with pytest.raises(StepFailed, match="exited with status 1: no such flag"):
        await control.change("run", {"name": "x"})
