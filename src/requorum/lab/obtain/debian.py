"""Way: Debian's packages, unpacked and not installed.

The suite need not be the machine's own: the binaries are static enough to run on its neighbours.
Nothing of the machine's apt is changed: lists, cache and sources lie in a directory of ours, and
only the mirror (and its keyring) is taken from what the machine is configured with.
"""

import os
import platform
import pwd
from dataclasses import dataclass
from pathlib import Path

from requorum.errors import ToolUnfit
from requorum.lab.obtain.command import run
from requorum.lab.obtain.wanted import Progress, Wanted

_SUITES = {(3, 4): "bookworm", (3, 5): "trixie"}
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_UPDATE_SECONDS = 120
_DOWNLOAD_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Mirror:
    """A Debian mirror as this machine's apt knows it."""

    uri: str
    keyring: str | None


def from_debian(wanted: Wanted, work: Path, progress: Progress) -> Path:
    """Download etcd-server and etcd-client with apt-get; return the directory of the binaries."""
    suite = _SUITES.get(wanted.minor_series)
    if suite is None:
        raise ToolUnfit("no Debian suite is known to have it")
    mirror = configured_mirror()
    progress(f"etcd {wanted}: downloading Debian {suite}'s packages")
    apt = _isolated_apt(work, suite, mirror)
    run([*apt, "update", "-q"], deadline=_UPDATE_SECONDS)
    packages = work / "packages"
    packages.mkdir()
    download = [*apt, "download", "etcd-server", "etcd-client"]
    run(download, deadline=_DOWNLOAD_SECONDS, cwd=packages)
    for package in sorted(packages.glob("*.deb")):
        run(["dpkg", "-x", str(package), str(work / "unpacked")], deadline=60)
    return work / "unpacked" / "usr" / "bin"


def configured_mirror() -> Mirror:
    """Return the mirror that this Debian gets its own packages from."""
    system = platform.freedesktop_os_release()
    codename = system.get("VERSION_CODENAME", "")
    if system.get("ID") != "debian":
        raise ToolUnfit(f"this machine runs {system.get('NAME', 'no Debian')}")
    form = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(SIGNED_BY)"
    targets = run(
        ["apt-get", "indextargets", "--format", form, "Created-By: Packages"], deadline=30
    )
    return choose_mirror(targets, codename)


def choose_mirror(targets: str, codename: str) -> Mirror:
    """Pick the mirror of the distribution itself among apt's index targets, one per line.

    A line is URI|release|component|keyring; apt leaves "$(SIGNED_BY)" as it is where none is set.
    """
    own = {codename, "stable", "testing", "unstable", "sid"}
    for line in targets.splitlines():
        uri, _, rest = line.partition("|")
        release, _, rest = rest.partition("|")
        component, _, keyring = rest.partition("|")
        if release in own and component == "main":
            return Mirror(uri, keyring if keyring.startswith("/") else None)
    raise ToolUnfit("apt has no mirror of Debian's main archive configured")


def _isolated_apt(work: Path, suite: str, mirror: Mirror) -> list[str]:
    """Write the sources, and return apt-get with every directory it writes to redirected."""
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    sources = work / "etcd.sources"
    sources.write_text(_sources_text(suite, mirror), encoding="utf-8")
    user = pwd.getpwuid(os.geteuid()).pw_name
    options = {
        "Dir::Etc::SourceList": sources,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State": work / "state",
        "Dir::State::Lists": work / "state" / "lists",
        "Dir::Cache": work / "cache",
        "APT::Sandbox::User": user,
        "Acquire::Languages": "none",
    }
    return ["apt-get", *(f"-o{name}={value}" for name, value in options.items())]


def _sources_text(suite: str, mirror: Mirror) -> str:
    lines = ["Types: deb", f"URIs: {mirror.uri}", f"Suites: {suite}", "Components: main"]
    keyring = mirror.keyring or (str(_KEYRING) if _KEYRING.exists() else None)
    if keyring is not None:
        lines.append(f"Signed-By: {keyring}")
    return "\n".join(lines) + "\n"
