"""Specifiers, as systemd.unit(5) has them."""

import pytest

from requorum.errors import DamagedInput
from requorum.formats.systemd.specifiers import HostWords, expand_specifiers, specifiers

HOST = HostWords(hostname="h1.example.org", machine_id="m" * 32, boot_id="b", kernel_release="6.1")


@pytest.mark.parametrize(
    ("unit", "text", "meant"),
    [
        ("etcd.service", "%n %N %p %i|%I", "etcd.service etcd etcd |"),
        ("my-etcd@a-b\\x2d1.service", "%n %N", "my-etcd@a-b\\x2d1.service my-etcd@a-b\\x2d1"),
        ("my-etcd@a-b\\x2d1.service", "%p %P %i %I", "my-etcd my/etcd a-b\\x2d1 a/b-1"),
        ("my-etcd@a.service", "%j %J", "etcd etcd"),
        ("etcd.service", "%H %l %m %b %v", f"h1.example.org h1 {'m' * 32} b 6.1"),
        (
            "etcd.service",
            "%t %S %C %L %E %T %V",
            "/run /var/lib /var/cache /var/log /etc /tmp /var/tmp",
        ),
        ("etcd.service", "%u %U %g %G %h", "root 0 root 0 /root"),
        ("etcd.service", "%% %5 a% %", "% %5 a% %"),
    ],
)
def test_meaning(unit: str, text: str, meant: str) -> None:
    """Names of templates and instances, what the host is, the manager's directories."""
    assert expand_specifiers(text, specifiers(unit, HOST)) == meant


@pytest.mark.parametrize("letter", ["f", "c", "s", "d", "o", "H"])
def test_what_is_not_known(letter: str) -> None:
    """A value that would be wrong is not made up."""
    with pytest.raises(DamagedInput, match=f"%{letter} in `a%{letter}`") as caught:
        expand_specifiers(f"a%{letter}", specifiers("etcd.service", HostWords()))
    assert caught.value.hint
