"""Which of our errors each of gRPC's becomes."""

import grpc
import grpc.aio
import pytest

from requorum.clients.etcd.errors import translate
from requorum.errors import DeadlineExceeded, EtcdError, RequorumError, Unreachable

Code = grpc.StatusCode


def ours(code: grpc.StatusCode, details: str | None) -> RequorumError:
    """Translate an error as gRPC would raise it."""
    metadata = grpc.aio.Metadata()
    error = grpc.aio.AioRpcError(code, metadata, metadata, details=details)
    path = "/etcdserverpb.KV/Range"
    return translate(error, endpoint="http://h:1", method=path, deadline=4.99999)


@pytest.mark.parametrize(
    ("code", "details", "kind"),
    [
        (Code.UNAVAILABLE, "etcdserver: no leader", EtcdError),
        (Code.UNAVAILABLE, "etcdserver: request timed out", EtcdError),
        (Code.DEADLINE_EXCEEDED, "etcdserver: request timed out", EtcdError),
        (Code.UNAVAILABLE, "failed to connect to all addresses", Unreachable),
        (Code.CANCELLED, "Channel closed.", Unreachable),
        (Code.DEADLINE_EXCEEDED, "Deadline Exceeded", DeadlineExceeded),
        (Code.OUT_OF_RANGE, "etcdserver: mvcc: required revision is compacted", EtcdError),
        (Code.UNKNOWN, "auth: something", EtcdError),
        (Code.UNIMPLEMENTED, "unknown service etcdserverpb.Maintenance", EtcdError),
    ],
)
def test_kinds(code: grpc.StatusCode, details: str, kind: type[RequorumError]) -> None:
    """What etcd worded is its answer, whatever gRPC's code says; the rest goes by the code."""
    assert type(ours(code, details)) is kind


def test_etcds_text_is_the_message() -> None:
    """Operators search for etcd's own words."""
    assert ours(Code.UNAVAILABLE, "etcdserver: no leader").message == "etcdserver: no leader"


def test_deadline_names_endpoint_call_and_seconds() -> None:
    """The message tells what was asked, where, and for how long."""
    message = ours(Code.DEADLINE_EXCEEDED, "Deadline Exceeded").message
    assert message == "http://h:1 did not answer Range within 5 s"


def test_reason_of_a_failed_connection_comes_without_preamble() -> None:
    """The last error of gRPC is the one that tells something."""
    details = "failed to connect to all addresses; last error: UNKNOWN: ipv4:1.2.3.4:1: refused"
    assert ours(Code.UNAVAILABLE, details).message == (
        "http://h:1 does not answer: UNKNOWN: ipv4:1.2.3.4:1: refused"
    )


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ("etcdserver: permission denied", "role"),
        ("etcdserver: user name is empty", "Authentication is on"),
        ("etcdserver: authentication failed, invalid user ID or password", "password"),
        ("etcdserver: mvcc: database space exceeded", "NOSPACE"),
        ("etcdserver: no leader", "quorum"),
    ],
)
def test_hints(details: str, words: str) -> None:
    """Well-known answers of etcd come with what to do."""
    assert words in (ours(Code.UNKNOWN, details).hint or "")


def test_an_answer_without_text_still_has_a_message() -> None:
    """The code's name stands in for missing details."""
    assert ours(Code.DATA_LOSS, None).message == "data_loss"
