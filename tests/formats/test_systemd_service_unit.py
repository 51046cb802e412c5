"""A service's unit file with its drop-ins."""

import pytest

from requorum.errors import DamagedInput
from requorum.formats.systemd.service_unit import (
    NamedFile,
    ServiceUnit,
    UnitVariable,
    parse_service,
)
from requorum.formats.systemd.specifiers import HostWords, specifiers
from requorum.formats.text_file import TextFile

MEANING = specifiers("etcd.service", HostWords(hostname="h1"))
UNIT = """\
[Unit]
ExecStart=/not/this/section
[Service]
User=nobody
Environment=A=1 "B=2 3"
Environment=NAME=%H
EnvironmentFile=/etc/etcd.env
EnvironmentFile=-/etc/default/%p
ExecStart=/usr/bin/etcd --name a
WorkingDirectory=-/var/lib/%N
"""


def parse(*drop_ins: str) -> ServiceUnit:
    """Read the unit with these drop-ins."""
    files = [TextFile("/lib/etcd.service", UNIT)]
    files += [TextFile(f"/etc/{n}.conf", text) for n, text in enumerate(drop_ins)]
    return parse_service(files, MEANING)


def test_without_drop_ins() -> None:
    """Everything with its file and line, specifiers replaced."""
    unit = parse()
    assert unit.command.program == "/usr/bin/etcd"
    assert (unit.path, unit.directive.line) == ("/lib/etcd.service", 9)
    assert unit.environment == (
        UnitVariable("A", "1", "/lib/etcd.service", 5),
        UnitVariable("B", "2 3", "/lib/etcd.service", 5),
        UnitVariable("NAME", "h1", "/lib/etcd.service", 6),
    )
    assert unit.environment_files == (
        NamedFile("/etc/etcd.env", optional=False),
        NamedFile("/etc/default/etcd", optional=True),
    )
    assert (unit.user, unit.group, unit.working_directory) == ("nobody", "", "/var/lib/etcd")


def test_drop_ins() -> None:
    """An empty list forgets what came before, a scalar is the last one's."""
    unit = parse(
        "[Service]\nExecStart=\nExecStart=/opt/etcd\nUser=etcd\nGroup=etcd\n",
        "[Service]\nEnvironment=\nEnvironment=C=4\nEnvironmentFile=\nUnsetEnvironment=A D=5\n",
    )
    assert (unit.command.program, unit.path) == ("/opt/etcd", "/etc/0.conf")
    assert unit.environment == (UnitVariable("C", "4", "/etc/1.conf", 3),)
    assert unit.environment_files == ()
    assert [(v.name, v.value) for v in unit.unset] == [("A", None), ("D", "5")]
    assert (unit.user, unit.group) == ("etcd", "etcd")


@pytest.mark.parametrize(
    ("drop_in", "said"),
    [
        ("[Service]\nExecStart=/other\n", "more than one ExecStart=: /lib/etcd.service:9 and"),
        ("[Service]\nExecStart=\n", "the unit has no ExecStart="),
        ("[Service]\nRootDirectory=/jail\n", "/etc/0.conf:2: RootDirectory= moves the service"),
        ("[Service]\nExecStart=\n\nExecStart=etcd 'a\n", "/etc/0.conf:4: ExecStart=: the quote"),
        ("[Service]\nEnvironment='A=1\n", "/etc/0.conf:2: Environment=: the quote"),
        ("[Service]\nEnvironmentFile=etcd.env\n", "`etcd.env` is not an absolute path"),
        ("[Service]\nUser=%d\n", "/etc/0.conf:2: User=: the specifier %d"),
        ("[Service\n", "/etc/0.conf: line 1: "),
    ],
)
def test_what_cannot_be_told(drop_in: str, said: str) -> None:
    """The error names the file and the line."""
    with pytest.raises(DamagedInput) as caught:
        parse(drop_in)
    assert said in caught.value.message
