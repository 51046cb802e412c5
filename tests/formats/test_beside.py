"""Work in a thread beside the caller's."""

import pytest

from requorum.formats.beside import Beside


def test_result() -> None:
    """The result can be asked for more than once."""
    beside = Beside(lambda: 6 * 7)
    assert (beside.result(), beside.result()) == (42, 42)


def test_none_is_a_result() -> None:
    """A function may return None."""
    assert Beside(lambda: None).result() is None


def test_error() -> None:
    """What it raises is raised where its result is asked for."""
    beside = Beside(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        beside.result()
