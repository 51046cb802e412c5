"""etcd's command line, as Go's flag package reads it.

Source: etcd server/etcdmain/config.go and server/embed/config.go (3.4: etcdmain/, embed/) of 3.4,
3.5, 3.6 and 3.7; Go's package flag. One dash or two, `--a=b` or `--a b`; a boolean takes its value
only with `=`. What is no flag ends them, and etcd refuses it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from requorum.errors import DamagedInput

BOOLEAN_FLAGS = frozenset(
    """
    auto-tls client-cert-auth debug discovery-insecure-skip-tls-verify discovery-insecure-transport
    enable-distributed-tracing enable-grpc-gateway enable-log-rotation enable-pprof enable-v2
    experimental-compact-hash-check-enabled experimental-enable-distributed-tracing
    experimental-enable-lease-checkpoint experimental-enable-lease-checkpoint-persist
    experimental-initial-corrupt-check experimental-memory-mlock
    experimental-peer-skip-client-san-verification experimental-stop-grpc-service-on-defrag
    experimental-txn-mode-write-with-shared-buffer force-new-cluster initial-election-tick-advance
    memory-mlock peer-auto-tls peer-client-cert-auth peer-skip-client-san-verification pre-vote
    socket-reuse-address socket-reuse-port strict-reconfig-check unsafe-no-fsync version
    """.split()  # noqa: SIM905  # eighty names read better without their quotes
)
"""The flags of any of those releases that take no value of their own."""

IGNORED_FLAGS = frozenset(
    """
    cluster-active-size cluster-remove-delay cluster-sync-interval config force max-result-buffer
    max-retry-attempts peer-election-timeout peer-heartbeat-interval retry-interval snapshot
    test.coverprofile test.outputdir v vv
    """.split()  # noqa: SIM905  # as above
)
"""Flags of old that etcd takes, like booleans, and does nothing with."""

_NO_MEMBER = frozenset({"gateway", "grpc-proxy"})


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag of a command line. `first` is the argument that names it, `last` has its value."""

    name: str
    value: str
    first: int
    last: int


def parse_flags(arguments: Sequence[str]) -> tuple[Flag, ...]:
    """Return the flags in order; DamagedInput for what etcd would not start with."""
    if arguments and arguments[0] in _NO_MEMBER:
        raise DamagedInput(f"it runs `etcd {arguments[0]}`, which is no member of a cluster")
    return tuple(_flags(arguments))


def _flags(arguments: Sequence[str]) -> Iterator[Flag]:
    at = 0
    while at < len(arguments):
        flag = _flag(arguments, at)
        yield flag
        at = flag.last + 1


def _flag(arguments: Sequence[str], at: int) -> Flag:
    text = arguments[at]
    name, equals, value = text.removeprefix("-").removeprefix("-").partition("=")
    if not text.startswith("-") or not name or name.startswith("-"):
        raise DamagedInput(f"`{text}` is no flag, etcd does not start with it")
    if equals:
        return Flag(name, value, at, at)
    if name in BOOLEAN_FLAGS | IGNORED_FLAGS:
        return Flag(name, "true", at, at)
    if at + 1 == len(arguments):
        raise DamagedInput(f"the flag `{text}` needs a value, and the command line ends there")
    return Flag(name, arguments[at + 1], at, at + 1)


def variable_of(flag: str) -> str:
    """Return the environment variable that etcd takes for a flag that is not given."""
    return "ETCD_" + flag.upper().replace("-", "_")
