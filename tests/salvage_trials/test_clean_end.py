"""What the judge takes for the end of the logs, where the last entries left nothing behind."""

import shutil
from pathlib import Path

import pytest
from made_crash import MEMBERS, MadeCrash

from requorum.lab.salvage_trials.clean_end import last_shown
from requorum.lab.salvage_trials.evidence import find_evidence
from requorum.lab.salvage_trials.recorded import wal_of

END = 398
"""No database has applied more."""


class Copies:
    """Copies of a crash's members, to be damaged."""

    def __init__(self, crash: MadeCrash, directory: Path) -> None:
        self.recorded = crash.recorded
        self.paths = {name: directory / name for name in MEMBERS}
        for name, path in self.paths.items():
            shutil.copytree(crash.recorded.members[name].data_dir, path)

    def zero(self, name: str, first: int, last: int | None = None) -> None:
        """Zero the entries from one on, up to the end where no last one is given."""
        places = self.recorded.members[name].places
        begin, end = places[first].start, places[last or max(places)].end
        self.write(name, begin, bytes(end - begin))

    def write(self, name: str, at: int, data: bytes) -> None:
        """Write into the member's log."""
        with next(wal_of(self.paths[name]).glob("*.wal")).open("r+b") as file:
            file.seek(at)
            file.write(data)

    def last_shown(self) -> int:
        """Ask."""
        evidence = find_evidence(self.recorded, self.paths)
        return last_shown(self.recorded, self.paths, evidence)


@pytest.fixture
def copies(crash: MadeCrash, tmp_path: Path) -> Copies:
    """Return copies as the crash left them."""
    return Copies(crash, tmp_path / "damaged")


def test_nothing_is_left_of_the_last_entries(copies: Copies) -> None:
    """Most logs end as logs end, and the other is damaged elsewhere."""
    for name in MEMBERS:
        copies.zero(name, END + 1)
    copies.zero("etcd3", 100, 101)
    assert copies.last_shown() == END < copies.recorded.committed


def test_one_byte_shows_that_there_was_more(copies: Copies) -> None:
    """In whichever log: then it must be said that something is lost."""
    for name in MEMBERS:
        copies.zero(name, END + 1)
    copies.write("etcd2", copies.recorded.members["etcd2"].places[END + 2].start + 9, b"\1")
    assert copies.last_shown() == copies.recorded.committed


def test_a_database_shows_that_there_was_more(copies: Copies) -> None:
    """One that has applied what the logs no longer hold."""
    for name in MEMBERS:
        copies.zero(name, END - 1)
    assert copies.last_shown() == copies.recorded.committed


def test_few_whole_logs_show_nothing(copies: Copies) -> None:
    """Where most logs are damaged elsewhere, more may be lost than their ends."""
    for name in MEMBERS:
        copies.zero(name, END + 1)
    for name in MEMBERS[1:]:
        copies.zero(name, 100, 101)
    assert copies.last_shown() == copies.recorded.committed
