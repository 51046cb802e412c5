"""Who brought a request into the log; see test_inspect_wal_real.py for those that etcd wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_wal import REQUEST_ID, put, request

from requorum.formats.request_origin import RequestOrigin, request_origin
from requorum.formats.wire import field_bytes, field_varint


def test_the_header_names_request_and_user() -> None:
    """And the request's ID names the member, by its last 16 bits."""
    origin = request_origin(request(4, b"", user="alice"))
    assert origin == RequestOrigin(REQUEST_ID, "alice")
    assert origin.member_suffix == 0x694D


def test_without_auth_there_is_no_user() -> None:
    """The header has only the ID then."""
    assert request_origin(put(b"k")) == RequestOrigin(REQUEST_ID, "")


def test_an_id_outside_of_the_header() -> None:
    """Requests of the v2 API and changes of members have it in their own first field."""
    assert request_origin(field_varint(1, 7 << 48) + field_bytes(3, b"/k")).member_suffix == 7


@pytest.mark.parametrize("data", [b"", b"\xff", field_bytes(4, b"x"), field_varint(100, 5)])
def test_nobody_is_named(data: bytes) -> None:
    """An empty entry, garbage, and a request without a header."""
    assert request_origin(data) == RequestOrigin()
    assert request_origin(data).member_suffix is None


@given(st.binary(max_size=60))
def test_garbage_never_raises(data: bytes) -> None:
    """What cannot be read names nobody, or whomever its bytes spell."""
    assert request_origin(data).request_id >= 0
