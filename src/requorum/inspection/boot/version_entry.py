"""Entries of the log that set the cluster's version.

Source: etcd server/etcdserver/server.go (updateClusterVersionV2, updateClusterVersionV3).
"""

from requorum.errors import DamagedInput
from requorum.formats.raftpb import Entry, EntryType
from requorum.formats.requests import ClusterVersionSet, V2Request, decode_request
from requorum.inspection.boot.segment_as_read import NOTED_FIRST_BYTES

VERSION_PATH = "/0/version"
"""Where the v2 store keeps the cluster's version."""


def sets_version(entry: Entry) -> str | None:
    """Return the cluster's version that an entry sets, None for any other entry.

    3.4 and 3.5 set it through the v2 API, later ones by a request of its own.
    """
    data = entry.data
    if entry.type is not EntryType.NORMAL or not len(data) or data[0] not in NOTED_FIRST_BYTES:
        return None
    try:
        request = decode_request(data)
    except DamagedInput:
        return None
    if isinstance(request, ClusterVersionSet):
        return request.version
    if isinstance(request, V2Request) and (request.method, request.path) == ("PUT", VERSION_PATH):
        return request.value
    return None
