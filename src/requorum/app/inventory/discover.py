"""The use case behind `requorum inventory discover`."""

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from requorum.app.cluster_file import parse_cluster
from requorum.app.inventory.cluster_file_text import cluster_file_text
from requorum.app.inventory.results import DiscoverResult, FieldResult
from requorum.app.inventory.visits import visit, visit_all
from requorum.app.settings import Credentials
from requorum.app.wiring import connector, tls_material
from requorum.domain.cluster import Ssh, Tls
from requorum.domain.cluster_draft import ClusterDraft
from requorum.errors import ClusterFileError, DamagedInput, Refused, RequorumError, UsageError
from requorum.facts.listed_members import ask_for_members
from requorum.formats.ansible_inventory import SIZE_MAX, parse_inventory
from requorum.formats.text_file import TextFile
from requorum.inspection.drafted_members import client_certificates, draft_of_settings
from requorum.inspection.kubespray import draft_of_inventory
from requorum.inspection.member_configuration import (
    ManifestSource,
    config_file_path,
    configuration_of,
)
from requorum.inspection.merged_drafts import concluded, merged
from requorum.workflow.durable_file import explained, sync_dir, write_all

STDIN = "-"
_MANIFESTS = "/etc/kubernetes/manifests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where to look: any of these, or several. `manifest` and `inventory` are files here.

    `ask_hosts`: every member's host is asked, not only the one that is named.
    """

    host: str | None = None
    unit: str | None = None
    pod_manifest: str | None = None
    manifest: str | None = None
    inventory: str | None = None
    endpoints: tuple[str, ...] = ()
    ask_hosts: bool = False
    ssh: Ssh
    tls: Tls | None = None
    credentials: Credentials | None = None

    def __post_init__(self) -> None:
        if not (self.host or self.manifest or self.inventory or self.endpoints):
            raise UsageError(
                "nothing says where to look for the cluster",
                hint="Give --host, --endpoints, --ansible or --manifest.",
            )


async def discover(sources: Sources, *, name: str, file: str | None) -> DiscoverResult:
    """Look there, write the file `file` unless it is None. Refused where that exists already.

    Whoever does not answer is a note in the file, unless nobody at all tells of a member.
    """
    if file is not None:
        _refuse_existing(file)
    draft = await _found(sources)
    text = cluster_file_text(name, draft)
    trouble = _trouble(draft, text, file or "the cluster file")
    if file is not None:
        _write(file, text)
    return DiscoverResult(
        file=file,
        members=tuple(member.called for member in draft.members),
        missing=tuple(
            FieldResult(member=m.called, field=f) for m in draft.members for f in m.missing
        ),
        unsure=tuple(
            FieldResult(member=m.called, field=f) for m in draft.members for f in m.unsure
        ),
        loads=draft.complete and not trouble,
        notes=(*draft.notes, *trouble),
        text=text,
    )


def _trouble(draft: ClusterDraft, text: str, path: str) -> tuple[str, ...]:
    """Return why a file that has every field is refused, as where two members are told alike."""
    if not draft.complete:
        return ()
    try:
        parse_cluster(text, path)
    except ClusterFileError as error:
        return tuple(error.message.splitlines())
    return ()


async def _found(sources: Sources) -> ClusterDraft:
    """Ask the sources, then the hosts that they tell of; those with their own eyes count first."""
    told: list[ClusterDraft] = []
    if sources.inventory is not None:
        told.append(_inventory_draft(sources.inventory))
    if sources.manifest is not None:
        told.append(_manifest_draft(sources.manifest))
    ssh = _ssh(sources.ssh, told)
    async with AsyncExitStack() as stack:
        seen: list[ClusterDraft] = []
        if sources.host is not None:
            seen.append(await visit(stack, sources.host, sources, ssh))
        listed = await _listed(sources)
        draft = concluded(merged([*listed, *seen, *told]))
        if sources.ask_hosts:
            seen += await visit_all(stack, draft, sources, ssh)
            draft = concluded(merged([*_whole_first(listed, seen), *told]))
    return replace(draft, ssh=None if ssh == Ssh() else ssh, tls=sources.tls or draft.tls,
                   tls_source="as given" if sources.tls else draft.tls_source,
                   user=sources.credentials.user if sources.credentials else None)  # fmt: skip


def _whole_first(
    listed: Sequence[ClusterDraft], seen: Sequence[ClusterDraft]
) -> list[ClusterDraft]:
    """Return what the running cluster lists, before what files of hosts say of others."""
    return [*listed, *sorted(seen, key=lambda draft: not draft.whole)]


async def _listed(sources: Sources) -> list[ClusterDraft]:
    """Return the list of the first endpoint that gives one; the error of the last where none."""
    trouble: RequorumError | None = None
    if not sources.endpoints:
        return []
    connect = connector(tls_material(sources.tls), sources.credentials)
    for endpoint in sources.endpoints:
        try:
            return [await ask_for_members(connect(endpoint))]
        except RequorumError as error:
            trouble = error
    assert trouble is not None  # noqa: S101  # there was an endpoint
    raise trouble


def _ssh(given: Ssh, told: Sequence[ClusterDraft]) -> Ssh:
    """Return what the command line says, and the inventory where that says nothing."""
    known = next((draft.ssh for draft in told if draft.ssh is not None), Ssh())
    return replace(
        given,
        identity_files=given.identity_files or known.identity_files,
        become=given.become or known.become,
    )


def _inventory_draft(path: str) -> ClusterDraft:
    text, shown = _text(path)
    try:
        return draft_of_inventory(parse_inventory(text), shown)
    except DamagedInput as error:
        raise DamagedInput(f"{shown}: {error.message}", hint=error.hint) from error


def _manifest_draft(path: str) -> ClusterDraft:
    text, shown = _text(path)
    live = f"{_MANIFESTS}/{'etcd.yaml' if path == STDIN else Path(path).name}"
    source = ManifestSource(file=TextFile(shown, text), live=live)
    config = config_file_path(source)
    if config is not None:
        raise RequorumError(
            f"{shown}: etcd reads {config} of its host, which the manifest alone does not tell",
            hint="Ask the host: `requorum inventory discover --host USER@HOST`.",
        )
    settings = configuration_of(source, None).settings
    draft = draft_of_settings(settings, kind="static-pod", service=live, host=None, source=shown)
    tls = next(client_certificates(settings.client_tls), None)
    return replace(draft, tls=tls, tls_source="where kubeadm keeps them" if tls else "")


def _text(path: str) -> tuple[str, str]:
    """Return a file's text and what to call it; `-` is stdin."""
    shown = "stdin" if path == STDIN else path
    try:
        data = sys.stdin.buffer.read(SIZE_MAX) if path == STDIN else Path(path).read_bytes()
        return data.decode(), shown
    except OSError as error:
        raise UsageError(
            f"cannot read {shown}: {(error.strerror or str(error)).lower()}"
        ) from error
    except UnicodeDecodeError as error:
        raise DamagedInput(f"{shown} is no text") from error


def _refuse_existing(file: str) -> None:
    if os.path.lexists(file):
        raise Refused(
            f"{file} exists already, and is not overwritten",
            hint="Write elsewhere with --out FILE, or to stdout with --out -.",
        )


def _write(file: str, text: str) -> None:
    """Make a new file; whoever made one of that name meanwhile keeps his."""
    with explained(f"cannot write {file}"):
        try:
            fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            _refuse_existing(file)
            raise
        try:
            write_all(fd, text.encode())
            os.fsync(fd)
        finally:
            os.close(fd)
        sync_dir(Path(file).parent)


def discover_now(sources: Sources, *, name: str, file: str | None) -> DiscoverResult:
    """Run `discover` to its end."""
    return asyncio.run(discover(sources, name=name, file=file))
