"""The list of methods."""

import pytest

from requorum.clients.etcd import rpc_pb2, rpcs

METHODS = [each for each in vars(rpcs).values() if isinstance(each, rpcs.Rpc)]


@pytest.mark.parametrize("rpc", METHODS, ids=lambda rpc: rpc.path)
def test_messages_fit_the_method(rpc: rpcs.Rpc) -> None:
    """Request and response belong together, and to the method of the path."""
    name = rpc.path.rpartition("/")[2].lower()
    request = rpc.request.DESCRIPTOR.name
    assert rpc.path.startswith("/etcdserverpb.")
    assert request.removesuffix("Request") == rpc.response.DESCRIPTOR.name.removesuffix("Response")
    assert request.lower().startswith(name)


def test_proto_file_name_is_ours() -> None:
    """Another package's rpc.proto may live in the same process."""
    assert rpc_pb2.DESCRIPTOR.name == "requorum/clients/etcd/rpc.proto"
