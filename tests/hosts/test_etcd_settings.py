"""One configuration in three forms, as etcd's own files and flags have them; no host is needed."""

from pathlib import Path

import pytest
import yaml

from requorum.lab.hosts.description import EtcdStyle, HostLab, Wanted, describe
from requorum.lab.hosts.etcd_settings import config_file, env_file, exec_start, settings_of
from requorum.lab.hosts.units import STAND_IN, files_of

NESTED = {
    "trusted-ca-file": ("client-transport-security", "trusted-ca-file"),
    "cert-file": ("client-transport-security", "cert-file"),
    "key-file": ("client-transport-security", "key-file"),
    "client-cert-auth": ("client-transport-security", "client-cert-auth"),
    "peer-trusted-ca-file": ("peer-transport-security", "trusted-ca-file"),
    "peer-cert-file": ("peer-transport-security", "cert-file"),
    "peer-key-file": ("peer-transport-security", "key-file"),
    "peer-client-cert-auth": ("peer-transport-security", "client-cert-auth"),
}


def described(**wanted: object) -> HostLab:
    """Return the description of hosts that do not exist."""
    return describe(
        Path("/somewhere"),
        Wanted.model_validate(wanted),
        number=7,
        base=Path("/base"),
        bin_dir=Path("/bin"),
        etcd_version="3.5.16",
    )


def test_the_env_file_has_every_setting() -> None:
    """Each flag is there as etcd's variable, and etcdctl's are below."""
    lab = described(etcd_settings={"quota-backend-bytes": "8589934592"})
    host = lab.hosts[1]
    text = env_file(settings_of(lab, host), host)
    variables = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    for name, value in settings_of(lab, host).items():
        assert variables[f"ETCD_{name.upper().replace('-', '_')}"] == value
    assert variables["ETCD_QUOTA_BACKEND_BYTES"] == "8589934592"
    assert variables["ETCD_NAME"] == "etcd2"
    assert variables["ETCDCTL_CERT"] == "/etc/ssl/etcd/ssl/admin-node2.pem"


def test_the_config_file_has_every_setting_in_its_place_and_type() -> None:
    """Files of TLS stand in etcd's two sections, numbers and truths are such."""
    lab = described(
        etcd_settings={"quota-backend-bytes": "8589934592", "auto-compaction-retention": "8"}
    )
    settings = settings_of(lab, lab.hosts[0])
    content = yaml.safe_load(config_file(settings))
    for name, value in settings.items():
        section, field = NESTED.get(name, ("", name))
        found = content[section][field] if section else content[field]
        assert str(found).lower() == value.lower(), name
    assert content["quota-backend-bytes"] == 8589934592
    assert content["auto-compaction-retention"] == "8"
    assert content["peer-transport-security"]["client-cert-auth"] is True


def test_the_flags_are_in_the_unit() -> None:
    """ExecStart has each setting as a flag; systemd joins the lines that end in a backslash."""
    lab = described(style="flags")
    host = lab.hosts[0]
    settings = settings_of(lab, host)
    unit = files_of(lab, host)["/etc/systemd/system/etcd.service"]
    command = unit.replace("\\\n", " ").partition("ExecStart=")[2].splitlines()[0].split()
    assert command == ["/usr/local/bin/etcd", *(f"--{k}={v}" for k, v in settings.items())]
    assert "EnvironmentFile" not in unit


@pytest.mark.parametrize(
    ("style", "file"),
    [(EtcdStyle.ENV_FILE, "/etc/etcd.env"), (EtcdStyle.CONFIG_FILE, "/etc/etcd/etcd.yaml")],
)
def test_the_unit_names_the_file(style: EtcdStyle, file: str) -> None:
    """The unit reads the one file that is written for it."""
    lab = described(style=style, stand_ins=False)
    files = files_of(lab, lab.hosts[0])
    assert set(files) == {file, "/etc/systemd/system/etcd.service"}
    assert file in files["/etc/systemd/system/etcd.service"]
    environment = f"EnvironmentFile={file}" in files["/etc/systemd/system/etcd.service"]
    assert environment == (style is EtcdStyle.ENV_FILE)
    lines = exec_start(style, settings_of(lab, lab.hosts[0])).splitlines()
    assert len(lines) == 1


def test_etcdctl_of_3_4_is_told_its_api() -> None:
    """Only 3.4 speaks v2 unless told otherwise, and only later ones warn of being told."""
    new = described()
    old = new.model_copy(update={"etcd_version": "3.4.23"})
    at = "/etc/kubernetes/stand-in.env"
    assert "ETCDCTL_API=3" in files_of(old, old.hosts[0])[at]
    assert "ETCDCTL_API" not in files_of(new, new.hosts[0])[at]


def test_without_stand_ins_there_are_none() -> None:
    """Hosts for etcd alone have its unit alone."""
    lab = described(stand_ins=False)
    assert STAND_IN not in files_of(lab, lab.hosts[0])
