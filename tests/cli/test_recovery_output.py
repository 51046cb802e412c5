"""How failures of a recovery are shown."""

import asyncio
import json

import pytest

from requorum.cli.output import Format
from requorum.cli.render.recovery import shown_failure
from requorum.errors import Refused, StepFailed, UsageError


@pytest.mark.parametrize("stop", [asyncio.CancelledError("SIGINT"), KeyboardInterrupt()])
def test_an_interruption_says_how_to_go_on(
    stop: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C is exit code 130 and two commands, never a traceback."""
    with pytest.raises(SystemExit) as ended, shown_failure(Format.JSON, run="r1"):
        raise stop
    shown = capsys.readouterr()
    assert ended.value.code == 130
    assert "requorum runs resume r1" in shown.err
    assert "requorum runs rollback r1" in shown.err
    assert json.loads(shown.out)["outcome"] == "failed"


def test_an_interruption_before_a_run_changed_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """While it plans there is no run to go on with."""
    with pytest.raises(SystemExit) as ended, shown_failure(Format.TABLE):
        raise KeyboardInterrupt
    assert ended.value.code == 130
    assert capsys.readouterr().err == "error: interrupted\nhint:  Nothing was changed.\n"


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [(Refused("no", hint="Do so."), "refused", 3), (StepFailed("broken"), "failed", 1)],
)
def test_one_object_for_each_failure(
    error: Refused | StepFailed, outcome: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stdout holds exactly one object, stderr the words; the exit code is the error's."""
    with pytest.raises(SystemExit) as ended, shown_failure(Format.JSON, run="r1"):
        raise error
    shown = capsys.readouterr()
    result = json.loads(shown.out)
    assert (ended.value.code, result["outcome"], result["run"]) == (code, outcome, "r1")
    assert result["error"] == error.message in shown.err


def test_a_usage_error_is_about_the_call() -> None:
    """It is left to the command line, which prints no object for it."""
    with pytest.raises(UsageError), shown_failure(Format.JSON):
        raise UsageError("wrong")
