"""Settings are changed where they are written, and nothing else is."""

from collections.abc import Mapping

import pytest
from manifests import KUBEADM

from requorum.errors import DamagedInput
from requorum.formats.systemd.specifiers import HostWords, specifiers
from requorum.formats.text_file import TextFile
from requorum.inspection.changed_configuration import FileChange, changed_configuration
from requorum.inspection.member_configuration import (
    ManifestSource,
    MemberConfiguration,
    UnitSource,
    configuration_of,
)

CLUSTER = "etcd1=https://10.0.0.31:2380,etcd2=https://10.0.0.32:2380"
WANTED = {"initial-cluster": CLUSTER, "initial-cluster-state": "existing"}
ENV = """\
# etcd's own
ETCD_NAME=etcd1
ETCD_INITIAL_CLUSTER='etcd1=https://10.0.0.31:2380' 
ETCD_INITIAL_CLUSTER_STATE=new
ETCDCTL_CERT=/etc/ssl/etcd.pem
"""  # noqa: W291  # a blank at the end of a line is part of the case
ENV_UNIT = """\
[Service]
EnvironmentFile=/etc/etcd.env
ExecStart=/usr/local/bin/etcd
WorkingDirectory=/var/lib
"""
FLAG_UNIT = """\
[Service]
ExecStart=/usr/local/bin/etcd \\
  --name=etcd1 \\
  --data-dir=/var/lib/etcd \\
  --initial-cluster etcd1=https://10.0.0.31:2380 \\
  --force-new-cluster
Restart=always
"""
ETC = "/etc/systemd/system/etcd.service"
LIB = "/lib/systemd/system/etcd.service"
DROP_IN = "/etc/systemd/system/etcd.service.d/zz-requorum-settings.conf"


def unit(
    path: str,
    text: str,
    environment: Mapping[str, str] | None = None,
    config: TextFile | None = None,
    **drop_ins: str,
) -> MemberConfiguration:
    """Return what a member of that unit runs with."""
    source = UnitSource(
        name="etcd.service",
        files=(TextFile(path, text), *(TextFile(f"/d/{n}.conf", t) for n, t in drop_ins.items())),
        environment_files=tuple(TextFile(*each) for each in (environment or {}).items()),
        meaning=specifiers("etcd.service", HostWords(hostname="node1")),
        systemd_version=252,
    )
    return configuration_of(source, config)


def after(member: MemberConfiguration, wanted: Mapping[str, str]) -> dict[str, str]:
    """Return the changed texts; the member runs with what was asked for, by its own reading."""
    changes = changed_configuration(member, wanted)
    texts = {change.path: change.after for change in changes}
    settings = member.with_texts(texts).settings.settings
    assert {flag: settings[flag].value for flag in wanted} == dict(wanted)
    assert changed_configuration(member.with_texts(texts), wanted) == ()
    return texts


def test_variables_of_an_environment_file() -> None:
    """The two lines change; what nothing sets yet is added as a variable, too."""
    member = unit(ETC, ENV_UNIT, {"/etc/etcd.env": ENV})
    assert after(member, WANTED | {"initial-cluster-token": "t"}) == {
        "/etc/etcd.env": ENV.replace("'etcd1=https://10.0.0.31:2380' ", CLUSTER).replace(
            "STATE=new", "STATE=existing"
        )
        + "ETCD_INITIAL_CLUSTER_TOKEN=t\n"
    }


def test_flags_of_the_operators_own_unit() -> None:
    """Each flag keeps its form; a truth value without one gets one; new ones go to the end."""
    wanted = WANTED | {"force-new-cluster": "false"}
    assert after(unit(ETC, FLAG_UNIT), wanted) == {
        ETC: FLAG_UNIT.replace(
            "--initial-cluster etcd1=https://10.0.0.31:2380", f"--initial-cluster {CLUSTER}"
        ).replace(
            "--force-new-cluster\n",
            "--force-new-cluster=false \\\n  --initial-cluster-state=existing\n",
        )
    }


def test_a_packages_unit_gets_a_drop_in() -> None:
    """The package's own file stays, and a second change goes into the same drop-in."""
    member = unit(LIB, FLAG_UNIT)
    texts = after(member, WANTED)
    assert list(texts) == [DROP_IN]
    assert texts[DROP_IN].endswith(
        "[Service]\nExecStart=\n"
        "ExecStart=/usr/local/bin/etcd  --name=etcd1  --data-dir=/var/lib/etcd  "
        f"--initial-cluster {CLUSTER}  --force-new-cluster --initial-cluster-state=existing\n"
    )
    second = after(member.with_texts(texts), {"force-new-cluster": "false"})
    assert second == {
        DROP_IN: texts[DROP_IN].replace("--force-new-cluster ", "--force-new-cluster=false ")
    }


def test_a_variable_of_the_unit() -> None:
    """Environment= is changed in its place, or by another one in a drop-in."""
    text = '[Service]\nEnvironment=ETCD_NAME=%H "ETCD_INITIAL_CLUSTER_STATE=new" A=b\n'
    text += "ExecStart=/usr/bin/etcd --data-dir=/d\n"
    wanted = {"name": "etcd1", "initial-cluster-state": "existing"}
    assert after(unit(ETC, text), wanted) == {
        ETC: text.replace("ETCD_NAME=%H", "ETCD_NAME=etcd1").replace(
            '"ETCD_INITIAL_CLUSTER_STATE=new"', "ETCD_INITIAL_CLUSTER_STATE=existing"
        )
    }
    found = after(unit(LIB, text), wanted)[DROP_IN]
    assert "Environment=ETCD_NAME=etcd1\n" in found
    assert "Environment=ETCD_INITIAL_CLUSTER_STATE=existing\n" in found


def test_flags_out_of_a_variable() -> None:
    """Debian's DAEMON_ARGS: the word changes within the variable, in the file that sets it."""
    text = "[Service]\nEnvironmentFile=/etc/default/etcd\nExecStart=/usr/bin/etcd $DAEMON_ARGS\n"
    args = 'DAEMON_ARGS="--data-dir=/d --initial-cluster-state new"\n'
    member = unit(LIB, text, {"/etc/default/etcd": args})
    assert after(member, {"initial-cluster-state": "existing"}) == {
        "/etc/default/etcd": 'DAEMON_ARGS="--data-dir=/d --initial-cluster-state existing"\n'
    }
    with pytest.raises(DamagedInput, match="several settings"):
        changed_configuration(member, {"data-dir": "/e", "initial-cluster-state": "existing"})


def test_the_configuration_file() -> None:
    """It alone counts, so it alone is changed; a truth value stays one."""
    path = "/etc/etcd/etcd.yaml"
    text = "name: etcd1\nforce-new-cluster: true # never\ndata-dir: /d\n"
    start = f"[Service]\nExecStart=/usr/bin/etcd --config-file={path}\n"
    member = unit(ETC, start, config=TextFile(path, text))
    wanted = {"force-new-cluster": "false", "initial-cluster-state": "existing"}
    assert after(member, wanted) == {
        path: text.replace("true #", "false #") + 'initial-cluster-state: "existing"\n'
    }


def test_the_manifest() -> None:
    """A static pod's flags, in its manifest."""
    path = "/etc/kubernetes/manifests/etcd.yaml"
    member = configuration_of(ManifestSource(file=TextFile(path, KUBEADM), live=path), None)
    (text,) = after(member, WANTED).values()
    assert f'    - "--initial-cluster={CLUSTER}"\n' in text


def test_what_is_so_already_changes_nothing() -> None:
    """No file is touched for a value that it has."""
    assert changed_configuration(unit(ETC, FLAG_UNIT), {"name": "etcd1"}) == ()


def test_a_later_drop_in_that_wins_is_not_overridden_in_vain() -> None:
    """Where another assignment would still count, the change is refused, not made."""
    text = "[Service]\nEnvironment=ETCD_NAME=a\nUnsetEnvironment=ETCD_NAME=b\n"
    text += "ExecStart=/usr/bin/etcd --data-dir=/d\n"
    with pytest.raises(DamagedInput, match="cannot be changed line by line"):
        changed_configuration(unit(ETC, text), {"name": "b"})


def test_a_pattern_that_would_take_the_old_file() -> None:
    """The old file is kept beside the new one, where a wide pattern would read it again."""
    text = "[Service]\nEnvironmentFile=/etc/etcd/*\nExecStart=/usr/bin/etcd --data-dir=/d\n"
    member = unit(ETC, text, {"/etc/etcd/env": "ETCD_NAME=a\n"})
    with pytest.raises(DamagedInput, match="would also take the old /etc/etcd/env"):
        changed_configuration(member, {"name": "b"})


def test_the_diff_is_what_an_operator_reads() -> None:
    """The path, then lines that go and lines that come."""
    assert FileChange("/e", "a\nb\nc\n", "a\nB\nc\nd\n").diff == ("/e", "- b", "+ B", "+ d")
    assert FileChange("/e", None, "a\n").diff == ("/e", "+ a")


def test_only_what_procedures_change() -> None:
    """A flag that nobody thought of is a mistake of ours."""
    with pytest.raises(ValueError, match="quota-backend-bytes"):
        changed_configuration(unit(ETC, FLAG_UNIT), {"quota-backend-bytes": "1"})
