"""The made crash of these tests is a module beside them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def crash(tmp_path_factory: pytest.TempPathFactory) -> "made_crash.MadeCrash":  # noqa: F821
    """Return a small crash that no etcd was needed for. Nobody may change its files."""
    import made_crash  # noqa: PLC0415  # the path is set above

    return made_crash.make(tmp_path_factory.mktemp("crash"))
