"""Messages that a real etcd does not send, or that we must not send."""

import pytest

from requorum.clients.etcd import answers
from requorum.clients.etcd import rpc_pb2 as pb
from requorum.errors import EtcdError
from requorum.ports.etcd import Compare


def test_empty_status() -> None:
    """A message without any field reads as None where None has a meaning."""
    status = answers.member_status(pb.StatusResponse())
    assert (status.leader, status.storage_version, status.db_size_quota) == (None, None, None)


def test_unknown_alarm() -> None:
    """A kind of alarm that we do not know is an error, not an overlooked alarm."""
    with pytest.raises(EtcdError, match="unknown kind 9"):
        answers.alarm(pb.AlarmMember.FromString(b"\x08\x01\x10\x09"))


@pytest.mark.parametrize(
    "compare", [Compare(b"k", "value", "equal", 1), Compare(b"k", "version", "equal", b"1")]
)
def test_operand_of_the_wrong_type(compare: Compare) -> None:
    """A value is compared with bytes, all else with numbers."""
    with pytest.raises(TypeError):
        answers.txn_request([compare], [], [])
