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
    """Paths of our own. `etcd_cache` holds etcd binaries by version."""

    runs_dir: Path
    etcd_cache: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read REQUORUM_STATE_DIR, REQUORUM_ETCD_CACHE and the XDG directories."""
        home = Path(environ.get("HOME", "/"))
        state = environ.get("REQUORUM_STATE_DIR") or _under(
            environ.get("XDG_STATE_HOME"), home / ".local" / "state"
        )
        cache = environ.get("REQUORUM_ETCD_CACHE") or str(
            Path(_under(environ.get("XDG_CACHE_HOME"), home / ".cache")) / "etcd"
        )
        return cls(runs_dir=Path(state) / "runs", etcd_cache=Path(cache))


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
