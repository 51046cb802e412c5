"""Reading the kernel's own tables, and the lines of the stand-ins."""

from decimal import Decimal
from pathlib import Path

import pytest

from requorum.errors import DamagedInput
from requorum.lab.hosts.mounts import Mount, _parse, mounted_below
from requorum.lab.hosts.stand_in_logs import StandInEvent


def test_a_line_of_mountinfo() -> None:
    """Blanks in names stand as octal digits; fields before the dash vary in number."""
    line = "36 35 98:0 /m /a\\040b rw,noatime shared:1 master:2 - overlay host rw,lowerdir=/l"
    assert _parse(line) == Mount("/a b", "overlay", "rw,lowerdir=/l")


def test_what_is_mounted_below_a_directory() -> None:
    """/proc is, and a directory whose name merely begins alike is not below it."""
    assert "/proc" in mounted_below(Path("/proc"))
    assert not mounted_below(Path("/pro"))


def test_a_line_of_a_stand_in() -> None:
    """Times are exact, so that events within a microsecond keep their order."""
    event = StandInEvent.parse("1795787285.565461652 7516.73 start kubelet node1\n")
    assert event == StandInEvent(
        Decimal("1795787285.565461652"), Decimal("7516.73"), "start", "kubelet", "node1"
    )


@pytest.mark.parametrize("line", ["", "1.0 2.0 start kubelet", "1.0 2.0 ran kubelet node1"])
def test_what_is_no_line_of_a_stand_in(line: str) -> None:
    """A torn or foreign line is said to be one."""
    with pytest.raises(DamagedInput):
        StandInEvent.parse(line)
