"""Whether a machine that is to be furnished runs its member already."""

import pytest

from requorum.app.members.furnish import _runs
from requorum.domain.cluster import MemberSpec, SystemdService
from requorum.errors import NoSuchUnit, StepFailed
from requorum.facts.survey import Reach

SPEC = MemberSpec(
    name="etcd1",
    host="local",
    peer_url="http://127.0.0.1:1",
    client_url="http://127.0.0.1:2",
    data_dir="/none",
    service=SystemdService(unit="etcd"),
)


class Service:
    """A service that raises whenever it is asked."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def running(self) -> bool:
        """Raise."""
        raise self.error


def reach(error: Exception) -> Reach:
    """Return what reaches that service."""
    return Reach(hosts={}, services={"etcd1": Service(error)}, connect=lambda _: None)


async def test_a_unit_that_is_not_there_does_not_run() -> None:
    """It is what furnishing brings."""
    assert await _runs(reach(NoSuchUnit("none")), SPEC) is False


async def test_what_systemd_does_not_tell_is_not_taken_for_no() -> None:
    """Files of a member that may run are not written over."""
    with pytest.raises(StepFailed):
        await _runs(reach(StepFailed("no bus")), SPEC)
