"""Releases by their names, and in what they differ."""

import pytest

from requorum.errors import UsageError
from requorum.inspection.boot.release import MINORS, Release


def test_names() -> None:
    """A minor stands for its newest patch."""
    assert str(Release.parse("3.5")) == "3.5"
    assert str(Release.parse("v3.5.16")) == "3.5.16"
    assert Release.parse("3.5").is_at_least(3, 5, 999)
    assert not Release.parse("3.5.6").is_at_least(3, 5, 7)
    assert [str(minor) for minor in MINORS] == ["3.4", "3.5", "3.6", "3.7"]


@pytest.mark.parametrize("text", ["", "3", "3.3", "3.8", "4.0", "three", "3.5.x", "3.5.1.2"])
def test_what_is_no_release_that_is_known(text: str) -> None:
    """It is refused in words."""
    with pytest.raises(UsageError, match="no version of etcd that is known here"):
        Release.parse(text)


def test_limits_of_a_log_record() -> None:
    """10 MB up to 3.5.4, then the file's size; from 3.5.7 on that is mended."""
    assert Release.parse("3.4").record_bytes_max == 10 << 20
    assert Release.parse("3.5.4").record_bytes_max == 10 << 20
    assert Release.parse("3.5.5").record_bytes_max is None
    assert not Release.parse("3.5.6").mends_long_records
    assert Release.parse("3.5.7").mends_long_records
