"""One member, its host and its certificates: everything that is asked there."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from requorum.app.inspect.member.inspect_member import inspected
from requorum.clients.etcdtools.binaries import locate
from requorum.domain.binaries import EtcdBinaries
from requorum.domain.cluster import CommandService, MemberSpec
from requorum.domain.finding import Finding, Verdict
from requorum.domain.member_settings import MemberSettings
from requorum.domain.version import EtcdVersion
from requorum.errors import NotPermitted, Refused, RequorumError, ToolUnfit, Unreachable
from requorum.facts.host_condition import clock_offset, data_condition, user_id
from requorum.facts.judged_certificates import judge_certificates
from requorum.facts.live import LiveMember
from requorum.facts.member_settings import ASK_DEADLINE, read_member
from requorum.inspection.host_findings import (
    disk_finding,
    old_data_findings,
    owner_findings,
    version_finding,
)
from requorum.ports.host import Host
from requorum.runbooks.exchange_data import WAL_BYTES

_SECONDS = 120.0
_HINTS = {
    "serves": "`requorum recover --plan` says why and what to do.",
    "host": "Try `ssh` to it by hand, with the user and port of the cluster file.",
    "settings": "`requorum inspect member` shows every setting with its file and line.",
    "version": "Name the directory of fitting etcd binaries as `etcd.bin_dir` in the cluster file.",
    "data": "Look at `data_dir` in the cluster file, and at that disk.",
    "permissions": "Look at the owner and the mode of that path.",
}
_BECOME = "Log in as root, or say `ssh.become: sudo` with a sudo that asks for no password."


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberCheck:
    """What was found of one member. `clock` is as `clock_offset`; `release` what it runs."""

    name: str
    findings: tuple[Finding, ...]
    reached: bool
    clock: tuple[float, float] | None = None
    release: EtcdVersion | None = None


async def check_member(limit: asyncio.Semaphore, look: "MemberLook") -> MemberCheck:
    """Ask it everything; who does not answer, or too slowly, is found so."""
    async with limit:
        try:
            async with asyncio.timeout(_SECONDS):
                return await look.whole()
        except TimeoutError:
            name, host = look.member.name, look.host.name
            text = f"{host} did not answer everything within {_SECONDS:g} s"
            slow = Finding("host", name, Verdict.FAIL, text, "Look at its load and its disk.")
            return MemberCheck(name=name, findings=(*look.answered(), slow), reached=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLook:
    """All questions to one member. `live` is its own answer, None where we could not ask it.

    `sharing`: how many members live on its host. `cache` is where etcd's binaries may lie there,
    besides its PATH.
    """

    host: Host
    member: MemberSpec
    bin_dir: str | None
    cache: str
    sharing: int
    live: LiveMember | None

    def _finding(self, check: str, verdict: Verdict, text: str, hint: str | None = None) -> Finding:
        if verdict is not Verdict.OK:
            hint = hint or _HINTS[check]
        return Finding(check, self.member.name, verdict, text, hint)

    async def whole(self) -> MemberCheck:
        """Return everything; what the member itself says alone where its host is not there."""
        findings = [*self.answered()]
        try:
            uid = await user_id(self.host)
            clock = await clock_offset(self.host)
        except RequorumError as error:
            findings.append(self._finding("host", Verdict.FAIL, error.message, error.hint))
            return MemberCheck(
                name=self.member.name,
                findings=tuple(findings),
                reached=not isinstance(error, Unreachable | NotPermitted),
                release=self._running(),
            )
        findings.append(self._rights(uid))
        settings, told = await self._settings()
        findings += told
        binaries, versions = await self._versions(settings)
        findings += versions
        findings += [finding async for finding in self._data(settings)]
        if settings is not None:
            findings += await judge_certificates(
                self.host, self.member.name, settings, now=time.time()
            )
        return MemberCheck(
            name=self.member.name,
            findings=tuple(findings),
            reached=True,
            clock=clock,
            release=self._running() or (binaries.version if binaries else None),
        )

    def answered(self) -> tuple[Finding, ...]:
        """Return whether it answers its client URL, from here."""
        live, url = self.live, self.member.client_url
        if live is None:
            return ()  # for want of certificates, which is a finding of its own
        if live.reads:
            return (self._finding("serves", Verdict.OK, f"{url} reads through a leader"),)
        trouble = live.trouble or "it does not read"
        text = trouble if url in trouble else f"{url}: {trouble}"
        return (self._finding("serves", Verdict.FAIL, text, live.hint),)

    def _running(self) -> EtcdVersion | None:
        status = self.live.status if self.live else None
        return EtcdVersion.parse(status.version) if status else None

    def _rights(self, uid: int | None) -> Finding:
        needs_root = not isinstance(self.member.service, CommandService)
        if uid == 0:
            return self._finding("host", Verdict.OK, f"{self.host.name} answers, as root")
        if not needs_root:
            return self._finding("host", Verdict.OK, f"{self.host.name} answers, as user {uid}")
        text = f"{self.host.name} answers, but as user {uid}, who may stop and rename nothing"
        return self._finding("host", Verdict.FAIL, text, _BECOME)

    async def _settings(self) -> tuple[MemberSettings | None, list[Finding]]:
        try:
            found = await read_member(self.host, self.member)
        except Refused:
            text = "run by commands: what etcd is started with is not known"
            return None, [self._finding("settings", Verdict.OK, text)]
        except RequorumError as error:
            return None, [self._finding("settings", Verdict.FAIL, error.message, error.hint)]
        told = await inspected(self.host, self.member)
        serious = {str(text) for text in told.findings if _is_serious(text)}
        findings = [
            self._finding("settings", Verdict.FAIL if text in serious else Verdict.WARN, text)
            for text in told.findings
        ]
        if told.problem:
            findings.append(self._finding("settings", Verdict.FAIL, told.problem))
        ok = self._finding(
            "settings", Verdict.OK, "what the cluster file says is what it runs with"
        )
        return found.settings, findings or [ok]

    async def _versions(
        self, settings: MemberSettings | None
    ) -> tuple[EtcdBinaries | None, list[Finding]]:
        service = self.member.service
        hints = service.start if isinstance(service, CommandService) else ()
        if settings is not None:
            hints = (settings.binary,)
        running = self._running()
        versions = {"running": running} if running else {}
        try:
            found = await locate(
                self.host,
                wanted=running.minor_series if running else None,
                bin_dir=self.bin_dir,
                hints=hints,
                cache_dir=self.cache,
            )
        except ToolUnfit as error:
            unfit = self._finding("version", Verdict.FAIL, error.message, error.hint)
            return None, [unfit]
        except NotPermitted as error:
            return None, [self._finding("version", Verdict.FAIL, error.message, _BECOME)]
        except RequorumError as error:
            return None, [self._finding("version", Verdict.FAIL, error.message, error.hint)]
        versions["etcd"] = found.version
        for tool in ("etcdctl", "etcdutl"):
            version = await self._tool_version(found, tool)
            if version is not None:
                versions[tool] = version
        return found, [version_finding(self.member.name, versions)]

    async def _tool_version(self, found: EtcdBinaries, tool: str) -> EtcdVersion | None:
        path = f"{found.directory}/{tool}"
        if await self.host.stat(path) is None:
            return None
        done = await self.host.run((path, "version"), deadline=ASK_DEADLINE, env=found.env)
        return EtcdVersion.parse(done.stdout) if done.returncode == 0 else None

    async def _data(self, settings: MemberSettings | None) -> AsyncIterator[Finding]:
        try:
            found = await data_condition(self.host, self.member)
        except NotPermitted as error:
            yield self._finding("permissions", Verdict.FAIL, error.message, _BECOME)
            return
        except RequorumError as error:
            yield self._finding("data", Verdict.FAIL, error.message, error.hint)
            return
        path = self.member.data_dir
        if found is None:
            yield self._finding("data", Verdict.FAIL, f"there is no {path}")
            return
        # A copy for each member there, and the image that all are made of.
        needed = (self.sharing + 1) * (found.db_size + WAL_BYTES)
        yield disk_finding(self.member.name, path, free=found.free, needed=needed)
        if settings is not None:
            user = settings.user or "root"
            uid = int(user) if user.isdecimal() else await user_id(self.host, user)
            if uid is None:
                text = f"the unit runs etcd as {user}, whom the host does not have"
                yield self._finding("permissions", Verdict.FAIL, text, "Create the user.")
            else:
                for finding in owner_findings(self.member.name, found.owners, user=user, uid=uid):
                    yield finding
        for finding in old_data_findings(self.member.name, path, found.beside, found.own):
            yield finding


def _is_serious(text: str) -> bool:
    """Return whether a recovery would act on what the member never reads, or etcd loses data."""
    return text.startswith(("the cluster file ", "force-new-cluster")) or "does not start" in text
