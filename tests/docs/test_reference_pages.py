"""The other reference pages name everything that the code has, and nothing that it has not."""

import re
from collections.abc import Iterator

import pytest
from doc_pages import ROOT
from pydantic import BaseModel

from requorum import errors
from requorum.app.inspect.member import results as member_results
from requorum.app.practice.lab import Count
from requorum.app.results import LossResult, MemberHealth, RecoverResult, UnprovenResult
from requorum.lab.damage.kinds import DamageKind
from requorum.workflow import events
from requorum.workflow.journal_lines import Record
from requorum.workflow.plan import PlanOutline
from requorum.workflow.step import StepOutline

REFERENCE = ROOT / "docs" / "reference"
_VARIABLE = re.compile(r"\b(?:REQUORUM|ETCDCTL|XDG)_[A-Z_]+|\bNO_COLOR\b")
_NOT_READ = {"ETCDCTL_API", "ETCDCTL_ENDPOINTS"}
"""Set for etcd's own tools, not read by us."""
_MADE_BY_CLICK = {"_REQUORUM_COMPLETE", "REQUORUM_COMPLETE"}


def rows(name: str) -> list[str]:
    """Return the first cell of each table row of a page."""
    lines = (REFERENCE / name).read_text(encoding="utf-8").splitlines()
    return [line.split("`")[1] for line in lines if line.startswith("| `")]


@pytest.mark.parametrize(
    "model",
    [RecoverResult, LossResult, UnprovenResult, MemberHealth, Count],
    ids=lambda model: model.__name__,
)
def test_every_json_field_is_named(model: type[BaseModel]) -> None:
    """json-output.md has a row for each field of each object."""
    assert set(model.model_fields) <= set(rows("json-output.md"))


def test_every_field_of_inspect_member_is_named() -> None:
    """Each object's fields, in a row or in a sentence."""
    page = (REFERENCE / "json-output.md").read_text(encoding="utf-8")
    section = page.partition("## inspect member")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", section))
    for model in vars(member_results).values():
        if isinstance(model, type) and issubclass(model, BaseModel):
            assert set(model.model_fields) <= named, model


def test_every_outcome_and_path_is_named() -> None:
    """The values of `outcome` and `path` are listed."""
    page = (REFERENCE / "json-output.md").read_text(encoding="utf-8")
    for field in ("outcome", "path"):
        for value in re.findall(r"'([a-z-]+)'", str(RecoverResult.model_fields[field].annotation)):
            assert f"`{value}`" in page


def test_every_error_has_its_exit_code() -> None:
    """exit-codes.md names each class of error beside the code that it ends with."""
    page = (REFERENCE / "exit-codes.md").read_text(encoding="utf-8")
    for error in _all_errors(errors.RequorumError):
        row = next((x for x in page.splitlines() if f"`{error.__name__}`" in x), None)
        assert row is not None, error
        assert row.startswith(f"| {error.exit_code} |"), row


def _all_errors(base: type[errors.RequorumError]) -> Iterator[type[errors.RequorumError]]:
    """Yield the public classes below `base`; a room's own private ones are no interface."""
    for error in base.__subclasses__():
        if error.__module__ == errors.__name__:
            yield error
            yield from _all_errors(error)


def test_every_variable_is_named() -> None:
    """environment.md has a row for each variable that the code reads, and no other."""
    read = {
        name
        for source in (ROOT / "src").rglob("*.py")
        for name in _VARIABLE.findall(source.read_text(encoding="utf-8"))
    } - _NOT_READ - _MADE_BY_CLICK  # fmt: skip  # one set, three parts
    assert set(rows("environment.md")) - {"HOME"} == read


def test_every_event_of_the_journal_is_named() -> None:
    """journal.md has a row for each event, each field of a line and each field of a plan."""
    kinds = {
        event.model_fields["type"].default
        for event in vars(events).values()
        if isinstance(event, type) and issubclass(event, BaseModel) and "type" in event.model_fields
    }
    assert "step-begun" in kinds
    named = set(rows("journal.md"))
    for wanted in (kinds, Record.model_fields, PlanOutline.model_fields, StepOutline.model_fields):
        assert set(wanted) <= named


def test_every_kind_of_damage_is_named() -> None:
    """The how-to of practising lists the kinds, all of them."""
    page = (ROOT / "docs" / "howto" / "practise-damage.md").read_text(encoding="utf-8")
    named = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert set(named) == set(DamageKind)
