"""Endpoints that are malformed, dead, or that never answer."""

import socket
import time
from collections.abc import Iterator

import pytest

from requorum.clients.etcd.channel import TlsMaterial
from requorum.clients.etcd.client import connect
from requorum.errors import DeadlineExceeded, Unreachable, UsageError

pytestmark = pytest.mark.processes


@pytest.fixture
def hung() -> Iterator[str]:
    """Listen on a port, accept nothing, answer nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def dead() -> str:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("deadline", [0.5, 2.5])
async def test_hung_endpoint(hung: str, deadline: float) -> None:
    """The deadline holds, and the error names endpoint, call and seconds."""
    begin = time.monotonic()
    message = f"{hung} did not answer Status within {deadline} s"
    async with connect(hung, tls=None, credentials=None) as client:
        with pytest.raises(DeadlineExceeded, match=message):
            await client.status(deadline=deadline)
    assert time.monotonic() - begin < 5


async def test_hung_endpoint_while_authenticating(hung: str) -> None:
    """The deadline also covers the fetching of a token."""
    async with connect(hung, tls=None, credentials=("root", "secret")) as client:
        with pytest.raises(DeadlineExceeded) as caught:
            await client.get(b"k", deadline=0.5)
    assert "secret" not in f"{caught.value!r}{caught.value.__cause__!r}"


async def test_dead_endpoint(dead: str) -> None:
    """A refused connection is told at once, long before the deadline."""
    begin = time.monotonic()
    async with connect(dead, tls=None, credentials=None) as client:
        with pytest.raises(Unreachable, match="does not answer") as caught:
            await client.status(deadline=60)
    assert not isinstance(caught.value, DeadlineExceeded)
    assert time.monotonic() - begin < 10


async def test_proxy_of_the_environment_is_not_asked(
    dead: str, hung: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would hang here; the member itself refuses."""
    monkeypatch.setenv("http_proxy", hung)
    monkeypatch.setenv("https_proxy", hung)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with connect(dead, tls=None, credentials=None) as client:
        with pytest.raises(Unreachable) as caught:
            await client.status(deadline=5)
    assert not isinstance(caught.value, DeadlineExceeded)


@pytest.mark.parametrize(
    "endpoint",
    [
        "127.0.0.1:2379",
        "ftp://127.0.0.1:1",
        "http://127.0.0.1",
        "http://",
        "http://h:x",
        "http://[",
    ],
)
async def test_malformed_endpoints(endpoint: str) -> None:
    """What is no client URL is refused before anything is sent."""
    with pytest.raises(UsageError, match="is not a client URL"):
        connect(endpoint, tls=None, credentials=None)


async def test_password_in_an_endpoint_is_not_shown() -> None:
    """A user and password do not belong into the URL, nor into the error about it."""
    with pytest.raises(UsageError) as caught:
        connect("http://root:hidden@127.0.0.1:2379", tls=None, credentials=None)
    assert "hidden" not in caught.value.message


async def test_https_needs_tls() -> None:
    """Without certificates an https endpoint is refused with a hint."""
    with pytest.raises(UsageError, match="needs TLS") as caught:
        connect("https://127.0.0.1:2379", tls=None, credentials=None)
    assert "CA" in (caught.value.hint or "")


PEM = b"-----BEGIN %s-----\nAAAA\n-----END %s-----\n"
CERT = PEM.replace(b"%s", b"CERTIFICATE")
KEY = PEM.replace(b"%s", b"EC PRIVATE KEY")


@pytest.mark.parametrize(
    "given",
    [
        {"cert": CERT},
        {"key": KEY},
        {"cacert": b""},
        {"cacert": KEY},
        {"cert": CERT, "key": CERT},
    ],
)
def test_tls_material_that_cannot_work(given: dict[str, bytes]) -> None:
    """Half a pair, and what is not PEM of the right kind, are refused."""
    with pytest.raises(UsageError):
        TlsMaterial(**given)


def test_tls_material_hides_its_key() -> None:
    """The key is not in the repr, which may end up in a log."""
    assert "PRIVATE" not in repr(TlsMaterial(cacert=CERT, cert=CERT, key=KEY))


async def test_damaged_pem() -> None:
    """A PEM file whose contents are damaged leads to a hint, not to a crash."""
    tls = TlsMaterial(cacert=CERT)
    async with connect("https://127.0.0.1:1", tls=tls, credentials=None) as client:
        with pytest.raises(Unreachable):
            await client.status(deadline=2)
