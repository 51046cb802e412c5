"""Real etcd of each minor takes its settings from where we say that it takes them."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from requorum.clients.hosts.local_processes import free_ports
from requorum.domain.member_settings import Means, Medium, MemberSettings, Place
from requorum.inspection.member_settings import Command, Given, config_file_of, member_settings

pytestmark = pytest.mark.etcd
PLACE = Place(Medium.UNIT, Means.FLAG, "/unit", 1)
SECONDS = 30.0


def settings_of(
    arguments: Sequence[str], variables: Mapping[str, str], directory: Path
) -> MemberSettings:
    """Return what we say that etcd does."""
    command = Command(
        binary="etcd",
        arguments=tuple(Given(argument, PLACE) for argument in arguments),
        variables={name: Given(value, PLACE) for name, value in variables.items()},
        working_directory=str(directory),
    )
    file = config_file_of(command)
    return member_settings(command, Path(file).read_text() if file else None)


@contextmanager
def running(
    etcd: Path, arguments: Sequence[str], variables: Mapping[str, str], directory: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run etcd until the block ends; its log is `directory`/log."""
    ours = {name: v for name, v in os.environ.items() if not name.startswith("ETCD")}
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(
            [etcd, *arguments],
            cwd=directory,
            env=ours | variables,
            stdout=log,
            stderr=log,
            text=True,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def urls() -> dict[str, str]:
    """Return the flags that keep a member on ports of its own."""
    peer, client = free_ports(2)
    return {
        "listen-peer-urls": f"http://127.0.0.1:{peer}",
        "initial-advertise-peer-urls": f"http://127.0.0.1:{peer}",
        "listen-client-urls": f"http://127.0.0.1:{client}",
        "advertise-client-urls": f"http://127.0.0.1:{client}",
    }


def flags_of(values: Mapping[str, str]) -> list[str]:
    """Return them as flags."""
    return [f"--{name}={value}" for name, value in values.items()]


def until_made(process: "subprocess.Popen[bytes]", path: str, log: Path) -> None:
    """Wait until etcd has made its log there."""
    end = time.monotonic() + SECONDS
    while not Path(path, "member", "wal").is_dir():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, f"{path} was not made: {log.read_text()}"
        time.sleep(0.02)


def by_flags(_: Path) -> tuple[list[str], dict[str, str]]:
    """Give flags in every form, one of them twice."""
    more = [
        "-name",
        "first",
        "--name=m",
        "--data-dir",
        "data",
        "--pre-vote",
        "-force-new-cluster=F",
    ]
    return [*flags_of(urls()), *more], {}


def by_variables(_: Path) -> tuple[list[str], dict[str, str]]:
    """Give variables; an empty one is none."""
    given = {**urls(), "name": "m", "wal-dir": "", "strict-reconfig-check": "T"}
    return [], {f"ETCD_{n.upper().replace('-', '_')}": v for n, v in given.items()}


def by_a_file(directory: Path) -> tuple[list[str], dict[str, str]]:
    """Give a configuration file, and a flag and a variable that it makes etcd ignore."""
    lines = [f"{name}: {value}" for name, value in urls().items()]
    text = "\n".join([*lines, "name: m", "data-dir: from-file", "wal-dir:", "pre-vote: yes", ""])
    (directory / "etcd.yml").write_text(text)
    return ["--config-file=etcd.yml", "--data-dir=from-flag"], {"ETCD_NAME": "variable"}


def by_a_file_of_a_variable(directory: Path) -> tuple[list[str], dict[str, str]]:
    """Name the configuration file in a variable."""
    by_a_file(directory)
    return ["--data-dir=from-flag"], {"ETCD_CONFIG_FILE": str(directory / "etcd.yml")}


WAYS = [by_flags, by_variables, by_a_file, by_a_file_of_a_variable]


@pytest.mark.parametrize("minor", ["3.4", "3.5", "3.6", "3.7"])
@pytest.mark.parametrize("way", WAYS)
def test_where_etcd_reads(
    etcd_binaries: Callable[[str], Path],
    minor: str,
    way: Callable[[Path], tuple[list[str], dict[str, str]]],
    tmp_path: Path,
) -> None:
    """Etcd makes its data where our reading says."""
    arguments, variables = way(tmp_path)
    expected = settings_of(arguments, variables, tmp_path)
    assert expected.name == "m"
    with running(etcd_binaries(minor) / "etcd", arguments, variables, tmp_path) as process:
        until_made(process, expected.data_dir, tmp_path / "log")
    made = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert made == {Path(expected.data_dir).name}


@pytest.mark.parametrize("minor", ["3.4", "3.5", "3.6", "3.7"])
def test_a_variable_beside_its_flag(
    etcd_binaries: Callable[[str], Path], minor: str, tmp_path: Path
) -> None:
    """Etcd refuses to start with both, though the variable is empty."""
    arguments = [*flags_of(urls()), "--name=m"]
    variables = {"ETCD_NAME": ""}
    (shadowed,) = settings_of(arguments, variables, tmp_path).shadowed
    assert shadowed.flag == "name"
    with running(etcd_binaries(minor) / "etcd", arguments, variables, tmp_path) as process:
        assert process.wait(SECONDS) != 0
    assert "shadowed by corresponding command-line flag" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("minor", ["3.4", "3.5", "3.6", "3.7"])
def test_a_list_of_urls_given_twice(
    etcd_binaries: Callable[[str], Path], minor: str, tmp_path: Path
) -> None:
    """A single URL that the first list holds does not replace the list."""
    (more,) = free_ports(1)
    given = urls()
    one = given["listen-client-urls"]
    given["listen-client-urls"] = f"{one},http://127.0.0.1:{more}"
    arguments = ["--name=m", *flags_of(given), f"--listen-client-urls={one}"]
    expected = settings_of(arguments, {}, tmp_path).listen_client_urls
    assert len(expected) == 2
    with running(etcd_binaries(minor) / "etcd", arguments, {}, tmp_path) as process:
        until_listening(process, more, tmp_path / "log")


def until_listening(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    """Wait until somebody takes connections there."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, f"nobody listens on {port}: {log.read_text()}"
            time.sleep(0.02)
        else:
            return
