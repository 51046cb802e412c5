"""One release of etcd on a host, and the command lines of its tools."""

from collections.abc import Mapping
from dataclasses import dataclass

from requorum.domain.version import EtcdVersion
from requorum.errors import ToolUnfit


@dataclass(frozen=True, slots=True, kw_only=True)
class EtcdBinaries:
    """The directory that holds etcd and its tools, and the version that `etcd --version` told.

    Methods return argument lists; run those of the restore tool with `env`.
    """

    directory: str
    version: EtcdVersion
    has_etcdutl: bool

    @property
    def restore_tool(self) -> str:
        """Return the program that knows `snapshot restore`: etcdutl from 3.5 on."""
        name = "etcdutl" if self.version.restores_with_etcdutl else "etcdctl"
        return f"{self.directory}/{name}"

    @property
    def env(self) -> dict[str, str]:
        """Return what the tools' environment must hold."""
        # 3.6 and later warn of a variable that they do not know.
        return {} if self.version.restores_with_etcdutl else {"ETCDCTL_API": "3"}

    def etcd(self, *flags: str) -> tuple[str, ...]:
        """Return the command line of etcd itself."""
        return (f"{self.directory}/etcd", *flags)

    def restore(
        self,
        snapshot: str,
        *,
        data_dir: str,
        name: str,
        initial_cluster: Mapping[str, str],
        token: str,
        advertise_peer_url: str,
        skip_hash_check: bool = False,
        bump_revision: int | None = None,
        wal_dir: str | None = None,
    ) -> tuple[str, ...]:
        """Return the command line of `snapshot restore`.

        `initial_cluster` maps names to peer URLs. `skip_hash_check` is for a db that was copied
        from a data directory. `bump_revision` is added to the latest revision, below which all
        is then compacted; ToolUnfit for a release that cannot.
        """
        members = ",".join(f"{member}={url}" for member, url in initial_cluster.items())
        flags = [
            f"--name={name}",
            f"--data-dir={data_dir}",
            f"--initial-cluster={members}",
            f"--initial-cluster-token={token}",
            f"--initial-advertise-peer-urls={advertise_peer_url}",
        ]
        if wal_dir is not None:
            flags.append(f"--wal-dir={wal_dir}")
        if skip_hash_check:
            flags.append("--skip-hash-check=true")
        if bump_revision is not None:
            flags.extend(self._bump(bump_revision))
        return (self.restore_tool, "snapshot", "restore", snapshot, *flags)

    def snapshot_status(self, path: str) -> tuple[str, ...]:
        """Return the command line that prints a snapshot's hash, revision, keys and size."""
        return (self.restore_tool, "snapshot", "status", path, "--write-out=json")

    def _bump(self, revisions: int) -> tuple[str, str]:
        if not self.version.can_bump_revision:
            raise ToolUnfit(
                f"etcd {self.version} in {self.directory} cannot bump the revision",
                hint="3.4.27, 3.5.10 and 3.6.0 were the first that can: use a later patch.",
            )
        return (f"--bump-revision={revisions}", "--mark-compacted=true")
