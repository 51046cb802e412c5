"""Databases written by real etcd, made once per session and minor."""

import functools
from collections.abc import Callable
from pathlib import Path

import etcd_data
import pytest

_RECORDERS = {
    "rich": etcd_data.record_rich,
    "empty": etcd_data.record_empty,
    "all_deleted": etcd_data.record_all_deleted,
}


@pytest.fixture(scope="session")
def etcd_dbs(
    etcd_binaries: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> etcd_data.EtcdDbs:
    """Return a function of (version, "rich" | "empty" | "all_deleted") to a recorded db."""

    @functools.cache
    def record(version: str, kind: str) -> etcd_data.RecordedDb:
        directory = tmp_path_factory.mktemp(f"etcd-{version}-{kind}")
        return _RECORDERS[kind](etcd_binaries(version), directory, version)

    return record
