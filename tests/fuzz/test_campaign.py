"""The watch over the workers itself: what hangs, dies, or is minded by etcd alone is a finding."""

from pathlib import Path

import campaign
import pytest
from campaign import Campaign, Tally
from etcd_tools import Accepted, Refusal, Tools

pytestmark = pytest.mark.processes

ANSWER = (
    '{"started": "damage", "kind": "db", "path": "/file", "problems": [], '
    '"damages": {"verdict": %s}}'
)


def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worker: str, tools: Tools | None) -> Tally:
    """Run one case with a worker that is this script."""
    script = tmp_path / "worker.py"
    script.write_text(f"import os, sys, time\nsys.stdin.readline()\n{worker}\n", encoding="utf-8")
    monkeypatch.setattr(campaign, "WORKER", script)
    found = Campaign(tmp_path, ["3.5"], 1, tmp_path / "room", tmp_path / "keep", tools)
    (tmp_path / "room" / "job0").mkdir(parents=True)
    return found.run([7], jobs=1, progress=lambda _: None)


@pytest.mark.parametrize(
    ("worker", "problem"),
    [
        ("time.sleep(600)", "no answer within 1 s"),
        ("os._exit(9)", "the worker died with status 9"),
        ('print(\'{"problems": ["check: Traceback"]}\', flush=True)', "check: Traceback"),
    ],
)
def test_a_worker_that_fails_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worker: str, problem: str
) -> None:
    """With its number, and its files are kept."""
    monkeypatch.setattr(campaign, "CASE_SECONDS", 1)
    (finding,) = run(tmp_path, monkeypatch, worker, None).findings
    assert (finding.number, finding.problem) == (7, problem)
    assert (tmp_path / "keep" / "7").is_dir()


@pytest.mark.parametrize(
    ("verdict", "said", "findings"),
    [
        (Accepted("8420e50d, 33"), "[]", 0),
        (Accepted("8420e50d, 33"), '["page 3, byte 7: bad"]', 0),
        (Refusal("panicked", "panic"), '["page 3, byte 7: bad"]', 0),
        (Refusal("panicked", "panic"), '["something is bad"]', 1),
        (Refusal("hung", ""), "[]", 1),
    ],
)
def test_what_etcd_refuses_must_have_a_place(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    verdict: Accepted | Refusal,
    said: str,
    findings: int,
) -> None:
    """The reverse may be: requorum looks closer."""

    async def status(_tools: Tools, _minor: str, _path: Path) -> Accepted | Refusal:
        return verdict

    monkeypatch.setattr(Tools, "snapshot_status", status)
    tally = run(tmp_path, monkeypatch, f"print({ANSWER % said!r}, flush=True)", Tools({}))
    assert len(tally.findings) == findings
    assert sum(tally.compared.values()) == 1
