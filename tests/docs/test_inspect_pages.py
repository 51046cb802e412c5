"""The reference of `inspect snapshot` and `inspect db` names all that they print."""

import re

import pytest
from doc_pages import ROOT
from pydantic import BaseModel

from requorum.app.inspect.database import results as results_inspect
from requorum.app.results import Result

REFERENCE = ROOT / "docs" / "reference"
MODELS = [
    model
    for model in vars(results_inspect).values()
    if isinstance(model, type) and issubclass(model, Result) and model is not Result
]


def test_there_are_models() -> None:
    """The list is not empty for want of looking in the right place."""
    assert results_inspect.InspectionResult in MODELS
    assert results_inspect.HashKvResult in MODELS


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_is_named(model: type[BaseModel]) -> None:
    """inspect-output.md has each field of each object."""
    page = (REFERENCE / "inspect-output.md").read_text(encoding="utf-8")
    assert set(model.model_fields) <= set(re.findall(r"`(\w+)`", page))


def test_every_verdict_is_named() -> None:
    """With the word that JSON has for it, and with what it means."""
    annotation = str(results_inspect.InspectionResult.model_fields["verdict"].annotation)
    verdicts = re.findall(r"'([a-z-]+)'", annotation)
    output = (REFERENCE / "inspect-output.md").read_text(encoding="utf-8")
    assert len(verdicts) == 4
    assert all(f"`{verdict}`" in output for verdict in verdicts)
