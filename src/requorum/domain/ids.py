"""Identifiers that etcd prints in hexadecimal."""

from typing import NewType

MemberId = NewType("MemberId", int)
"""u64; etcd prints it as unpadded lowercase hex."""

ClusterId = NewType("ClusterId", int)
"""u64; fixed at bootstrap, later membership changes do not change it."""


def hex_id(number: int) -> str:
    """Return the spelling that etcd's logs and `etcdctl member list` use."""
    return f"{number:x}"
