"""`requorum inspect datadir`: the result, how it is shown, and with which code it ends."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from made_directories import MEMBER, v2_request
from written_dirs import database_of, segment_of, write_directory, write_snap

from requorum.cli.main import cli
from requorum.errors import DamagedInput, RequorumError, UsageError

SET_BY_ENTRY_3 = "the cluster version that entry 3 sets is 3.4"


def run(*words: object) -> Result:
    """Run the command; errors come through as they are."""
    return CliRunner().invoke(cli, ["inspect", "datadir", *map(str, words)])


def data(*words: object, code: int = 0) -> dict[str, Any]:
    """Return the JSON that it prints."""
    done = run(*words, "-o", "json")
    assert done.exit_code == code, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def error(*words: object) -> RequorumError:
    """Return the error with which it ends."""
    done = run(*words)
    assert isinstance(done.exception, RequorumError), done.exception
    return done.exception


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """Return a directory that etcd 3.5 would start on."""
    return write_directory(tmp_path / "data")


def test_a_sound_directory(sound: Path) -> None:
    """The answer is about the version that the data names."""
    found = data(sound)
    assert (found["asked"], found["boots"][0]["outcome"]) == ("3.5", "starts")
    assert [boot["etcd"] for boot in found["boots"]] == ["3.5", "3.4", "3.6", "3.7"]
    assert found["findings"] == []
    assert (found["member_id"], found["cluster_id"], found["name"]) == ("a1", "c1", "one")
    assert [(m["id"], m["in_log"], m["in_database"]) for m in found["members"]] == [
        ("a1", "voter", "voter")
    ]
    assert found["log"]["last_index"] == 4
    assert found["database"]["consistent_index"] == 4
    assert found["replay"]["to_apply"] == 0


def test_yaml_says_the_same(sound: Path) -> None:
    """Field by field, but for the disk's free space."""
    done = run(sound, "-o", "yaml")
    found, same = yaml.safe_load(done.stdout), data(sound)
    found.pop("free"), same.pop("free")
    assert found == same


def test_the_table_says_it_first(sound: Path) -> None:
    """The first line is the answer."""
    lines = run(sound).stdout.splitlines()
    assert lines[0] == "etcd 3.5 would start"
    assert "  version  the cluster version in the database is 3.5" in lines
    assert any(line.startswith("a1 *") for line in lines)


def test_a_failure_has_its_line_cause_and_way_out(sound: Path) -> None:
    """And ends with 1."""
    segment = segment_of(sound)
    content = bytearray(segment.read_bytes())
    content[content.index(b"peerURLs")] ^= 1
    segment.write_bytes(content)
    done = run(sound, "--etcd", "3.6.14")
    assert done.exit_code == 1
    text = done.stdout
    assert text.startswith("etcd 3.6.14 would not start: wal-crc-mismatch\n")
    for words in ("its log says", "walpb: crc mismatch", "cause", "what to do", "never", "/11488"):
        assert words in text
    assert "findings (1)" in text
    assert "other versions\n  3.4, 3.5, 3.7:  would not start: wal-crc-mismatch\n" in text


def test_what_etcd_would_mend(sound: Path) -> None:
    """It is told which file is changed how."""
    segment = segment_of(sound)
    segment.write_bytes(segment.read_bytes().rstrip(b"\0")[:-3])
    found = data(sound, code=0)
    assert found["boots"][0]["outcome"] == "starts-after-repair"
    assert f"copy {segment.name} to {segment.name}.broken" in found["boots"][0]["changes"][0]
    assert "etcd 3.5 would start, after mending its files" in run(sound).stdout


def test_a_log_that_lost_its_end(tmp_path: Path) -> None:
    """It starts, and that is the danger."""
    directory = write_directory(tmp_path / "data", applied=9)
    found = data(directory, code=1)
    assert found["boots"][0]["outcome"] == "starts-behind"
    assert any("its end is lost" in f["what"] for f in found["findings"])
    assert "etcd 3.5 would start with data missing" in run(directory).stdout


def test_findings_beside_the_answer(tmp_path: Path) -> None:
    """Lists of members that differ, modes, damaged snapshots: it starts, and ends with 1."""
    directory = write_directory(tmp_path / "data", listed=[MEMBER, 0xBAD])
    (directory / "member").chmod(0o755)
    write_snap(directory, data=b"\x08\x01")
    database_of(directory).chmod(0o400)
    found = data(directory, code=1)
    assert found["boots"][0]["outcome"] == "starts-after-repair"
    said = " | ".join(f["what"] for f in found["findings"])
    assert "bad is unknown to the log, and the database lists it" in said
    assert "has mode 0755" in said
    assert "its owner may not read and write" in said
    assert ".snap is damaged" in said
    assert "findings (4)" in run(directory).stdout


def test_known_problems_of_a_release(sound: Path) -> None:
    """Where its patch is named."""
    found = data(sound, "--etcd", "3.5.2")
    assert any("without its data" in what for what in found["boots"][0]["known_problems"])
    assert not data(sound, "--etcd", "3.5")["boots"][0]["known_problems"]
    assert "known bugs" in run(sound, "--etcd", "3.5.2").stdout


def test_nothing_says_which_version_wrote_it(tmp_path: Path) -> None:
    """Then every minor is told, those with one answer in one row."""
    directory = write_directory(tmp_path / "data", version="3.0.0")
    assert data(directory)["asked"] is None
    lines = run(directory).stdout.splitlines()
    assert lines[:2] == [
        "nothing in the directory says which etcd wrote it",
        "etcd 3.4, 3.5, 3.6, 3.7 would start",
    ]
    write_snap(directory, data=b"\x08\x01")
    lines = run(directory).stdout.splitlines()
    assert "etcd 3.4, 3.5, 3.6 would start, after mending its files" in lines
    assert "etcd 3.7 would start" in lines


def test_a_version_that_is_not_known_here(tmp_path: Path) -> None:
    """It is named, and no other one guessed."""
    directory = write_directory(tmp_path / "data", version="3.9.0")
    found = data(directory, code=1)
    said = "the cluster version in the database is 3.9, of which nothing is known here"
    assert (found["asked"], found["asked_because"]) == (None, said)
    assert run(directory).stdout.startswith(f"{said}\n")


def test_the_log_names_the_version_where_the_database_does_not(tmp_path: Path) -> None:
    """Which is gone here, and with it all that says so but one entry."""
    version = v2_request("/0/version", "3.4.0")
    directory = write_directory(tmp_path / "data", contents={3: version}, version="3.0.0")
    found = data(directory)
    assert (found["asked"], found["asked_because"]) == ("3.4", SET_BY_ENTRY_3)
    database_of(directory).unlink()
    lines = run(directory).stdout.splitlines()
    assert lines[0] == "etcd 3.4 would start"
    assert f"  version  {SET_BY_ENTRY_3}" in lines


def test_other_versions_are_told_in_rows(tmp_path: Path) -> None:
    """One for each answer, with what it rests on where that differs."""
    lines = run(write_directory(tmp_path / "data", version="3.5.0")).stdout.splitlines()
    place = lines.index("other versions")
    skips = "the data is of 3.5: etcd goes up minor by minor"
    assert lines[place + 1] == "  3.4, 3.6:  would start"
    told = " ".join(line.strip() for line in lines[place + 2 : lines.index("", place)])
    assert told == f"3.7:       would start (nothing stands in its way; yet {skips})"


def test_a_cut_database(sound: Path) -> None:
    """The sizes are told, and that etcd ends without a word of its own."""
    whole = database_of(sound).read_bytes()
    database_of(sound).write_bytes(whole[: 2 * 4096])
    said = f"the file ends at byte 8192; its meta page says {len(whole)} bytes"
    found = data(sound, "--etcd", "3.5", code=1)
    boot = found["boots"][0]
    assert (boot["outcome"], boot["signature"]["id"]) == ("fails", "db-cut-short")
    assert "SIGBUS" in boot["signature"]["log_line"]
    assert boot["why"] == f"the database is cut short: {said}"
    assert [f["what"] for f in found["findings"]] == [f"the database is cut short: {said}"]
    assert said in found["database"]["reasons"]
    quick = data(sound, "--quick", code=1)
    assert quick["problems"] == [f"the database cannot be read: {said}"]


def test_an_empty_directory_begins_anew(tmp_path: Path) -> None:
    """That is no error, and no start of what was there."""
    found = data(tmp_path, code=1)
    assert found["boots"][0]["outcome"] == "starts-anew"
    assert (found["log"], found["database"], found["member_id"]) == (None, None, None)
    assert run(tmp_path).exit_code == 1


def test_nothing_readable(sound: Path) -> None:
    """There is data, and not one word of it can be read."""
    database_of(sound).write_bytes(b"x" * 20_000)
    segment_of(sound).write_bytes(b"y" * 5_000)
    assert isinstance(error(sound), DamagedInput)


def test_no_directory(tmp_path: Path, sound: Path) -> None:
    """It is said what to name."""
    assert isinstance(error(tmp_path / "none"), UsageError)
    assert isinstance(error(sound, "--wal-dir", tmp_path / "none"), UsageError)
    assert isinstance(error(database_of(sound)), UsageError)
    assert "is the member directory" in error(sound / "member").message
    assert isinstance(error(sound, "--etcd", "2.3"), UsageError)


def test_quick(sound: Path) -> None:
    """What ranks members, and nothing else."""
    found = data(sound, "--quick")
    assert (found["term"], found["index"], found["commit"]) == (2, 4, 4)
    assert (found["consistent_index"], found["revision"]) == (4, 5)
    assert "log ends at       term 2, index 4" in run(sound, "--quick").stdout
    assert isinstance(error(sound, "--quick", "--etcd", "3.5"), UsageError)
    database_of(sound).unlink()
    damaged = data(sound, "--quick", code=1)
    assert damaged["problems"] == ["there is no database"]
    assert damaged["revision"] is None
    segment_of(sound).unlink()
    assert isinstance(error(sound, "--quick"), DamagedInput)


def test_names_of_files_are_no_commands_to_a_terminal(sound: Path) -> None:
    """Whatever somebody put there."""
    (sound / "member" / "snap" / "a\x1b[31mb").write_bytes(b"")
    text = run(sound).stdout
    assert "\x1b[31m" not in text
    assert "a\\x1b[31mb" in text
