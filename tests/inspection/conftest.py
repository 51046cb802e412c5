"""The models of these tests are modules beside them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a segment without a preallocated tail count as one that was cut, whatever its size."""
    monkeypatch.setattr("requorum.inspection.member_log.SEGMENT_BYTES", 1)
