"""One member's configuration, and the three ways in which a unit can give it to etcd."""

from collections.abc import Mapping
from typing import Any

import yaml

from requorum.lab.hosts.description import EtcdStyle, HostLab, LabHost

ENV_FILE = "/etc/etcd.env"
CONFIG_FILE = "/etc/etcd/etcd.yaml"
_ETCD = "/usr/local/bin/etcd"
_NOT_NUMBERS = frozenset({"auto-compaction-retention", "name", "initial-cluster-token"})


def settings_of(lab: HostLab, host: LabHost) -> Mapping[str, str]:
    """Return what is set: flags of etcd, without their dashes, and their values."""
    files = host.certificates
    return {
        "name": host.member,
        "data-dir": host.data_dir,
        "listen-client-urls": f"{host.client_url},https://127.0.0.1:2379",
        "advertise-client-urls": host.client_url,
        "listen-peer-urls": host.peer_url,
        "initial-advertise-peer-urls": host.peer_url,
        "initial-cluster": lab.initial_cluster,
        "initial-cluster-token": lab.token,
        "initial-cluster-state": "new",
        "logger": "zap",
        "trusted-ca-file": files.ca,
        "cert-file": files.cert,
        "key-file": files.key,
        "client-cert-auth": "true",
        "peer-trusted-ca-file": files.ca,
        "peer-cert-file": files.cert,
        "peer-key-file": files.key,
        "peer-client-cert-auth": "true",
        **lab.wanted.etcd_settings,
    }


def exec_start(style: EtcdStyle, settings: Mapping[str, str]) -> str:
    """Return the unit's ExecStart."""
    if style is EtcdStyle.ENV_FILE:
        return _ETCD
    if style is EtcdStyle.CONFIG_FILE:
        return f"{_ETCD} --config-file={CONFIG_FILE}"
    return " \\\n  ".join([_ETCD, *(f"--{name}={value}" for name, value in settings.items())])


def configuration(
    style: EtcdStyle, settings: Mapping[str, str], host: LabHost
) -> Mapping[str, str]:
    """Return the files that the unit reads, path → content; none where the flags say it all."""
    if style is EtcdStyle.ENV_FILE:
        return {ENV_FILE: env_file(settings, host)}
    if style is EtcdStyle.CONFIG_FILE:
        return {CONFIG_FILE: config_file(settings)}
    return {}


def env_file(settings: Mapping[str, str], host: LabHost) -> str:
    """Return a file as kubespray writes it: etcd's variables, and etcdctl's below them."""
    variables = {
        f"ETCD_{name.upper().replace('-', '_')}": value for name, value in settings.items()
    }
    lines = [f"{name}={value}\n" for name, value in variables.items()]
    return "".join([*lines, "\n# CLI settings\n", etcdctl_variables(host)])


def etcdctl_variables(host: LabHost) -> str:
    """Return what makes etcdctl reach the host's own member."""
    files = host.certificates
    return (
        "ETCDCTL_ENDPOINTS=https://127.0.0.1:2379\n"
        f"ETCDCTL_CACERT={files.ca}\n"
        f"ETCDCTL_CERT={files.client_cert}\n"
        f"ETCDCTL_KEY={files.client_key}\n"
    )


def config_file(settings: Mapping[str, str]) -> str:
    """Return the YAML of --config-file, where the TLS files have sections of their own."""
    content: dict[str, Any] = {}
    for name, value in settings.items():
        section, field = _place(name)
        (content.setdefault(section, {}) if section else content)[field] = _typed(name, value)
    return yaml.safe_dump(content, sort_keys=False, width=1000)


def _place(name: str) -> tuple[str, str]:
    """Return section and field. Source: etcd.conf.yml.sample."""
    bare = name.removeprefix("peer-")
    if bare not in {"trusted-ca-file", "cert-file", "key-file", "client-cert-auth"}:
        return "", name
    section = "client" if bare == name else "peer"
    return f"{section}-transport-security", bare


def _typed(name: str, value: str) -> str | int | bool:
    if value in {"true", "false"}:
        return value == "true"
    return int(value) if value.isdecimal() and name not in _NOT_NUMBERS else value
