"""The prediction comes true: real etcd of every minor, on directories that were damaged.

The boots of the quick test are those that tell most; `test_boot_matrix` has all of them.
"""

from pathlib import Path

import ailments
import pytest
from comparison import compare
from recorded_dirs import RecordedDirs, copy_for_boot

pytestmark = [pytest.mark.etcd, pytest.mark.timeout(120)]

BOOTABLE_ALL_THE_SAME = frozenset({"proxy_beside_member"})
"""What `recover` does not look at: it starts the member, and says what etcd then says."""


@pytest.mark.parametrize("name", sorted(ailments.FAST))
def test_etcd_does_what_was_predicted(
    name: str, etcd_minor: str, recorded_dirs: RecordedDirs, tmp_path: Path
) -> None:
    """It starts, or fails with the signature that was named; and recover would not start it."""
    lab = copy_for_boot(recorded_dirs(etcd_minor), tmp_path / "boot")
    ailments.ALL[name](lab.data_dir("etcd1"))
    found = compare(lab, version=lab.etcd_version)
    assert found.agree, f"{name}: {found}"
    if found.booted.ended and name not in BOOTABLE_ALL_THE_SAME:
        assert found.not_bootable, f"{name}: recover would start it; {found}"
