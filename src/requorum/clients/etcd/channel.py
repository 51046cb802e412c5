"""A gRPC channel to one client URL."""

from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

import grpc
import grpc.aio

from requorum.errors import UsageError

_OPTIONS = (
    # A proxy from the environment would answer in the member's place.
    ("grpc.enable_http_proxy", 0),
    # A channel of its own: what failed on another channel is not remembered for this one.
    ("grpc.use_local_subchannel_pool", 1),
    # Members are asked again while they start: wait little between two connection attempts.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # A Range may answer with the whole keyspace; etcd sets no limit on what it sends.
    ("grpc.max_receive_message_length", -1),
)


@dataclass(frozen=True, slots=True)
class TlsMaterial:
    """The contents of PEM files, read by the caller. `cert` and `key` come together."""

    cacert: bytes | None = None
    cert: bytes | None = None
    key: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            raise UsageError("a client certificate and its key must be given together")
        _check_pem("cacert", self.cacert, b"CERTIFICATE-----")
        _check_pem("cert", self.cert, b"CERTIFICATE-----")
        _check_pem("key", self.key, b"PRIVATE KEY-----")


Address = tuple[str, int]


def check_endpoint(endpoint: str, tls: TlsMaterial | None) -> None:
    """UsageError when `endpoint` is no client URL, or is one for TLS without its material."""
    if _client_url(endpoint).scheme == "https" and tls is None:
        raise UsageError(
            f"{endpoint} needs TLS, and no certificates are given",
            hint="Give the cluster's CA, and a client certificate with its key.",
        )


def open_channel(
    endpoint: str, tls: TlsMaterial | None, *, at: Address | None = None
) -> grpc.aio.Channel:
    """Return a channel that connects on its first call; UsageError as with `check_endpoint`.

    As with etcdctl the scheme decides: `http` is plain even when TLS material is given. `at` is an
    address that leads there: the server must have the certificate of `endpoint` all the same.
    """
    check_endpoint(endpoint, tls)
    url = _client_url(endpoint)
    target = f"{at[0]}:{at[1]}" if at else url.netloc
    if url.scheme == "http" or tls is None:
        return grpc.aio.insecure_channel(target, options=_OPTIONS)
    credentials = grpc.ssl_channel_credentials(
        root_certificates=tls.cacert, private_key=tls.key, certificate_chain=tls.cert
    )
    name = (("grpc.ssl_target_name_override", url.hostname),) if at else ()
    return grpc.aio.secure_channel(target, credentials, options=(*_OPTIONS, *name))


def _client_url(endpoint: str) -> SplitResult:
    try:
        url = urlsplit(endpoint)
        complete = url.hostname is not None and url.port is not None
    except ValueError as error:
        raise _malformed(endpoint) from error
    if url.scheme not in {"http", "https"} or not complete or "@" in url.netloc:
        raise _malformed(endpoint)
    return url


def _malformed(endpoint: str) -> UsageError:
    # What stands before an @ may be a password.
    shown = endpoint.rpartition("@")[2]
    return UsageError(
        f"{shown} is not a client URL",
        hint="Write it as http://HOST:PORT or https://HOST:PORT.",
    )


def _check_pem(name: str, pem: bytes | None, label: bytes) -> None:
    if pem is not None and label not in pem:
        raise UsageError(
            f"the {name} given for TLS is not PEM",
            hint="A PEM file has a line that begins with -----BEGIN.",
        )
