"""Who brought a request into the log: through which member, and as which user.

Source: etcd api/etcdserverpb/raft_internal.proto (RequestHeader), pkg/idutil/id.go. A request's ID
is made by the member that a client talked to; its highest two bytes are the lowest two of that
member's ID. The user is there only while auth is enabled. A change of members has an ID, too.
"""

from dataclasses import dataclass

from requorum.errors import DamagedInput
from requorum.formats import wire

_ID, _HEADER = 1, 100
_HEADER_ID, _HEADER_USERNAME = 1, 2
_PREFIX_SHIFT = 48


@dataclass(frozen=True, slots=True)
class RequestOrigin:
    """`request_id` is 0 where there is none: a leader's empty entry, a new cluster's first ones.

    `user` is "" where auth was off.
    """

    request_id: int = 0
    user: str = ""

    @property
    def member_suffix(self) -> int | None:
        """Return the lowest 16 bits of the ID of the member that took the request."""
        return self.request_id >> _PREFIX_SHIFT if self.request_id else None


def request_origin(data: bytes | memoryview) -> RequestOrigin:
    """Return who brought an entry's data into the log; nobody where the bytes do not say."""
    request_id, user = 0, ""
    try:
        for number, _, value in wire.fields(data):
            if number == _ID and isinstance(value, int):
                request_id = value
            elif number == _HEADER and isinstance(value, memoryview):
                request_id, user = _header(value, request_id)
    except DamagedInput:
        return RequestOrigin()
    return RequestOrigin(request_id, user)


def _header(data: memoryview, request_id: int) -> tuple[int, str]:
    user = ""
    for number, _, value in wire.fields(data):
        if number == _HEADER_ID and isinstance(value, int):
            request_id = value
        elif number == _HEADER_USERNAME and isinstance(value, memoryview):
            user = bytes(value).decode("utf-8", "replace")
    return request_id, user
