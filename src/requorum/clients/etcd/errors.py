"""From gRPC's errors to ours: the one place where the two meet."""

import grpc
import grpc.aio

from requorum.errors import DeadlineExceeded, EtcdError, RequorumError, Unreachable

# etcd spells the errors of its own with one of these; gRPC's and Go's errors have neither.
_ETCD_PREFIXES = ("etcdserver: ", "auth: ", "lease: ", "mvcc: ")

# gRPC makes these itself, or a proxy does, when the other side cannot be talked to.
_NO_ANSWER = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED})

_ETCD_HINTS = (
    ("invalid user ID or password", "Check the user's name and the password."),
    ("user name is empty", "Authentication is on: give a user and a password."),
    ("permission denied", "The user lacks a role for this; `root` may do everything."),
    ("invalid auth token", "The token was refused twice: compare the members' --auth-token."),
    ("etcdserver: no leader", "No quorum of members is connected to each other."),
    ("database space exceeded", "Compact and defragment, then disarm the NOSPACE alarm."),
)

_CONNECTION_HINTS = (
    (
        "CERTIFICATE_VERIFY_FAILED",
        "The server's certificate was not signed by the CA that was given.",
    ),
    (
        "not in peer certificate",
        "The server's certificate names neither this host nor this address.",
    ),
    ("Hostname Verification", "The server's certificate names neither this host nor this address."),
    ("WRONG_VERSION_NUMBER", "The server does not speak TLS there: try http://."),
    (
        "Unwrap failed",
        "The server refused us: it may demand a client certificate that its client CA has signed.",
    ),
    (
        "create security handshaker",
        "A PEM file for TLS is damaged, or the key is not the certificate's.",
    ),
    ("Handshake read failed", "The server hung up on TLS: if it speaks none, use http://."),
    ("http1.x server", "What answers there is not etcd's client port."),
    ("Socket closed", "The server hung up: it may demand TLS, or a client certificate."),
    ("Connection reset", "The server hung up: it may demand TLS, or a client certificate."),
    ("Broken pipe", "The server hung up: it may demand TLS, or a client certificate."),
)


def translate(
    error: grpc.aio.AioRpcError, *, endpoint: str, method: str, deadline: float
) -> RequorumError:
    """Return ours for gRPC's; raise it `from error`, whose `code()` then tells gRPC's code.

    `method` is a path like /etcdserverpb.KV/Range, `deadline` in seconds. Neither the request
    nor its metadata are in `error`, so no secret can pass through here.
    """
    details = error.details() or ""
    if is_etcds_own(details):
        return EtcdError(details, hint=_find(_ETCD_HINTS, details))
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        name = method.rpartition("/")[2]
        return DeadlineExceeded(f"{endpoint} did not answer {name} within {deadline:.3g} s")
    if error.code() in _NO_ANSWER:
        # Before it gRPC says only that it has tried all addresses.
        reason = details.rpartition("last error: ")[2]
        hint = _find(_CONNECTION_HINTS, details)
        return Unreachable(f"{endpoint} does not answer: {reason}", hint=hint)
    return EtcdError(details or error.code().name.lower(), hint=_find(_ETCD_HINTS, details))


def is_etcds_own(details: str) -> bool:
    """Return whether etcd itself worded it: a member is there, whatever the code says."""
    return details.startswith(_ETCD_PREFIXES)


def _find(hints: tuple[tuple[str, str], ...], details: str) -> str | None:
    return next((hint for words, hint in hints if words in details), None)
