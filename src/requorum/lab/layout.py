"""The practice cluster's directory: what lies where, and the file that describes it.

::

    lab.json                how its members are started
    requorum.yaml           the cluster file, to which every other command applies
    <name>/data             the member's data directory
    <name>/etcd.log         its output
    <name>/etcd.pid         process id and start time, while it runs
    <name>/flags.json       flags that count instead of those of its first start
    acks/<writer>.jsonl     what the writers were promised
    copies/<name>           an earlier copy of its data directory (damage `stale-copy`)
    graveyard/<name>-<n>    what damages took away; nothing is ever removed
"""

import os
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from requorum.errors import UsageError


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TlsFiles(_Record):
    """PEM files of a practice cluster with TLS: servers, peers and clients use the same pair."""

    cacert: Path
    cert: Path
    key: Path


class LabMember(_Record):
    """One member's name and loopback ports."""

    name: str
    peer_port: int
    client_port: int


class Lab(_Record):
    """What `lab.json` holds. Paths are absolute."""

    directory: Path
    bin_dir: Path
    etcd_version: str
    token: str
    members: tuple[LabMember, ...]
    extra_flags: tuple[str, ...] = ()
    tls: TlsFiles | None = None

    def member(self, name: str) -> LabMember:
        """Return the member of that name; UsageError when the lab has none."""
        for member in self.members:
            if member.name == name:
                return member
        raise UsageError(
            f"this practice cluster has no member {name}",
            hint=f"Its members are {', '.join(member.name for member in self.members)}.",
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Return the members' names, in order."""
        return tuple(member.name for member in self.members)

    @property
    def scheme(self) -> str:
        """Return the scheme of every URL of this lab."""
        return "https" if self.tls else "http"

    def peer_url(self, name: str) -> str:
        """Return where its peers reach it."""
        return f"{self.scheme}://127.0.0.1:{self.member(name).peer_port}"

    def client_url(self, name: str) -> str:
        """Return where clients reach it."""
        return f"{self.scheme}://127.0.0.1:{self.member(name).client_port}"

    @property
    def client_urls(self) -> tuple[str, ...]:
        """Return every member's client URL."""
        return tuple(self.client_url(name) for name in self.names)

    def data_dir(self, name: str) -> Path:
        """Return its data directory."""
        return self.directory / name / "data"

    def log(self, name: str) -> Path:
        """Return the file that its output is appended to."""
        return self.directory / name / "etcd.log"

    def pid_file(self, name: str) -> Path:
        """Return the file with its process id and start time."""
        return self.directory / name / "etcd.pid"

    def flags_file(self, name: str) -> Path:
        """Return the file with flags that count instead of those of its first start."""
        return self.directory / name / "flags.json"

    def copy_of(self, name: str) -> Path:
        """Return where an earlier copy of its data directory is kept."""
        return self.directory / "copies" / name

    @property
    def acks(self) -> Path:
        """Return the directory of what the writers were promised."""
        return self.directory / "acks"

    @property
    def beside(self) -> tuple[str, ...]:
        """Return what the keys begin with that others than its own writers write: none do."""
        return ()

    @property
    def graveyard(self) -> Path:
        """Return the directory that damages move things to."""
        return self.directory / "graveyard"

    @property
    def cluster_file(self) -> Path:
        """Return the cluster file."""
        return self.directory / "requorum.yaml"


def read_lab(directory: Path) -> Lab:
    """Read `<directory>/lab.json`; UsageError when there is none, or it is not one."""
    path = directory / "lab.json"
    try:
        return Lab.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no practice cluster in {directory}",
            hint="Start one with `requorum lab up`.",
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{path} is malformed: {first['loc']}: {first['msg']}") from error


def write_lab(lab: Lab, service_command: tuple[str, ...]) -> None:
    """Write `lab.json` and `requorum.yaml`.

    `service_command` is what starts requorum itself; `lab member start …` is appended to it.
    """
    lab.directory.mkdir(parents=True, exist_ok=True)
    replace_file(lab.directory / "lab.json", lab.model_dump_json(indent=2) + "\n")
    described = yaml.safe_dump(cluster_file(lab, service_command), sort_keys=False, width=1000)
    replace_file(lab.cluster_file, f"# A practice cluster of etcd {lab.etcd_version}.\n{described}")


def replace_file(path: Path, text: str) -> None:
    """Write a file of the lab's own, whole or not at all."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(text, encoding="utf-8")
    aside.rename(path)


def cluster_file(lab: Lab, service_command: tuple[str, ...]) -> Mapping[str, object]:
    """Return the content of `requorum.yaml`."""
    described: dict[str, object] = {
        "cluster": f"lab-{lab.directory.name}",
        "members": [_member_entry(lab, name, service_command) for name in lab.names],
        "etcd": {"bin_dir": str(lab.bin_dir)},
    }
    if lab.tls is not None:
        described["tls"] = {
            "cacert": str(lab.tls.cacert),
            "cert": str(lab.tls.cert),
            "key": str(lab.tls.key),
        }
    return described


def _member_entry(lab: Lab, name: str, command: tuple[str, ...]) -> Mapping[str, object]:
    def service(verb: str) -> list[str]:
        return [*command, "lab", "member", verb, "--dir", str(lab.directory), name]

    return {
        "name": name,
        "host": "local",
        "peer_url": lab.peer_url(name),
        "client_url": lab.client_url(name),
        "data_dir": str(lab.data_dir(name)),
        "service": {
            "kind": "command",
            "start": service("start"),
            "stop": service("stop"),
            "status": service("status"),
            "configure": service("configure"),
        },
    }
