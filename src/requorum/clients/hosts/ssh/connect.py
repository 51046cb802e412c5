"""Opens the way to a host: each jump host, then the host itself, each with its key checked."""

import asyncio
import functools

import asyncssh

from requorum.clients.hosts.ssh.destination import Destination, SshSettings
from requorum.clients.hosts.ssh.known_hosts import KeyJudge, algorithms_for, read_known_hosts
from requorum.clients.hosts.ssh.ssh_config import Hop, way_to
from requorum.clients.hosts.ssh.ssh_errors import no_connection, no_login
from requorum.errors import RequorumError, UsageError

Ssh = asyncssh.SSHClientConnection

CONNECT_SECONDS = 10.0

# A host that is silent for three of these is gone.
_KEEPALIVE_SECONDS = 5
_KEEPALIVES_MISSED = 3


async def connect(destination: Destination, settings: SshSettings) -> tuple[Ssh, ...]:
    """Return the connections of the way, the last one to the host; each rests on the one before.

    Raises Unreachable, Refused for a host key, UsageError for an ssh config that cannot be used.
    """
    hops = await asyncio.to_thread(way_to, destination, settings)
    opened: list[Ssh] = []
    try:
        for hop in hops:
            opened.append(await _open(hop, opened[-1] if opened else None))
    except BaseException:
        for each in reversed(opened):
            each.abort()
        raise
    return tuple(opened)


async def _open(hop: Hop, through: Ssh | None) -> Ssh:
    known = await asyncio.to_thread(read_known_hosts, hop.known_hosts)
    judge = KeyJudge(known, hop.destination)
    options = await _options(hop, known, judge)
    target = hop.destination
    try:
        return await asyncssh.connect(
            target.host,
            target.port or (),
            tunnel=through,
            options=options,
            config=None,
            server_host_key_algs=_key_algorithms(options, known),
        )
    except asyncssh.HostKeyNotVerifiable as error:
        raise judge.refusal(error) from error
    except asyncssh.KeyExchangeFailed as error:
        if "host key" in error.reason:
            raise judge.refusal(error) from error
        raise _unreachable(hop, error) from error
    except asyncssh.PermissionDenied as error:
        raise no_login(str(target), options.username, target.as_ssh_arguments()) from error
    except (asyncssh.Error, OSError, ValueError, TimeoutError) as error:
        raise _unreachable(hop, error) from error


def _key_algorithms(
    options: asyncssh.SSHClientConnectionOptions, known: asyncssh.SSHKnownHosts
) -> tuple[str, ...]:
    """Return what the host may show; none: what asyncssh would take.

    Kinds of key that are known come first, so that one of those is shown if there is one. The
    others are taken too: a host whose key changed to another kind must be seen to have changed.
    """
    if options.config.get("HostKeyAlgorithms") is not None:
        return ()
    return algorithms_for(known, options.host_key_alias or options.host, options.port)


async def _options(
    hop: Hop, known: asyncssh.SSHKnownHosts, judge: KeyJudge
) -> asyncssh.SSHClientConnectionOptions:
    target = hop.destination
    make = functools.partial(
        asyncssh.SSHClientConnectionOptions,
        host=target.host,
        port=target.port or (),
        username=target.user or (),
        config=list(hop.config),
        known_hosts=known,
        client_factory=lambda: judge,
        client_keys=list(hop.identity_files) or (),
        ignore_encrypted=True,
        # Whoever reads the passphrase or the password from a person is not here.
        password_auth=False,
        kbdint_auth=False,
        agent_forwarding=False,
        keepalive_interval=_KEEPALIVE_SECONDS,
        keepalive_count_max=_KEEPALIVES_MISSED,
        connect_timeout=CONNECT_SECONDS,
        login_timeout=CONNECT_SECONDS,
        # The jumps of the config are done by us, so that their keys are checked likewise.
        tunnel=None,
    )
    try:
        return await asyncio.to_thread(make)
    except (asyncssh.Error, OSError, ValueError) as error:
        raise UsageError(
            f"the ssh settings for {target} cannot be used: {error}",
            hint="Look at your ssh config, and at the key files that it names.",
        ) from error


def _unreachable(hop: Hop, error: BaseException) -> RequorumError:
    return no_connection(str(hop.destination), error, hop.destination.as_ssh_arguments())
