"""datadir-output.md names every field that `inspect datadir` prints, and no other."""

import re
import typing

import pytest
from doc_pages import ROOT
from pydantic import BaseModel

from requorum.app.inspect.datadir import results as results_datadir
from requorum.app.results import Result

PAGE = (ROOT / "docs" / "reference" / "datadir-output.md").read_text(encoding="utf-8")
MODELS = [
    model
    for model in vars(results_datadir).values()
    if isinstance(model, type) and issubclass(model, Result) and model is not Result
]


def test_there_are_models() -> None:
    """The list is not empty for want of looking in the right place."""
    assert results_datadir.DataDirResult in MODELS
    assert results_datadir.RankResult in MODELS


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_and_every_word_is_named(model: type[BaseModel]) -> None:
    """Also the words that a field may hold."""
    named = set(re.findall(r"`([a-z0-9_-]+)`", PAGE))
    assert set(model.model_fields) <= named
    for field in model.model_fields.values():
        assert set(_words(field.annotation)) <= named


def _words(annotation: object) -> list[str]:
    if typing.get_origin(annotation) is typing.Literal:
        return list(typing.get_args(annotation))
    return [word for inner in typing.get_args(annotation) for word in _words(inner)]


def test_no_row_is_about_a_field_that_does_not_exist() -> None:
    """The first cell of each row names fields."""
    fields = {name for model in MODELS for name in model.model_fields}
    cells = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} <= fields
