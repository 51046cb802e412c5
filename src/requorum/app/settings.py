"""Where requorum keeps its own files, and what the environment tells it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """An etcd user and password. The password is never shown, stored or passed to a process."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Paths of our own. `etcd_cache` holds etcd binaries by version, `host_images` base images."""

    runs_dir: Path
    etcd_cache: Path
    host_images: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read REQUORUM_STATE_DIR, …_ETCD_CACHE, …_HOST_IMAGES and the XDG directories."""
        home = Path(environ.get("HOME", "/"))
        state = environ.get("REQUORUM_STATE_DIR") or _under(
            environ.get("XDG_STATE_HOME"), home / ".local" / "state"
        )
        cache = Path(_under(environ.get("XDG_CACHE_HOME"), home / ".cache"))
        return cls(
            runs_dir=Path(state) / "runs",
            etcd_cache=Path(environ.get("REQUORUM_ETCD_CACHE") or cache / "etcd"),
            host_images=Path(environ.get("REQUORUM_HOST_IMAGES") or cache / "hosts"),
        )


def _under(configured: str | None, fallback: Path) -> str:
    return str(Path(configured or fallback) / "requorum")


def credentials_from(
    user: str | None, in_file: str | None, environ: Mapping[str, str] = os.environ
) -> Credentials | None:
    """Return whom to log in as: --user, else ETCDCTL_USER, else the cluster file's user.

    As with etcdctl, the user may be given as "name:password"; else ETCDCTL_PASSWORD holds it.
    None when nobody names a user.
    """
    named = user or environ.get("ETCDCTL_USER") or in_file
    if not named:
        return None
    name, colon, password = named.partition(":")
    return Credentials(
        user=name, password=password if colon else environ.get("ETCDCTL_PASSWORD", "")
    )
