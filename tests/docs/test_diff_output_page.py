"""diff-output.md names every field that `inspect diff` prints, and no other."""

import re
import typing
from collections.abc import Iterator

from doc_pages import ROOT
from pydantic import BaseModel

from requorum.app.inspect.diff.results import DiffResult

PAGE = (ROOT / "docs" / "reference" / "diff-output.md").read_text(encoding="utf-8")


def fields_of(model: type[BaseModel]) -> Iterator[str]:
    """Yield the names of a result's fields, and of those within them."""
    for name, field in model.model_fields.items():
        yield name
        for inner in _models(field.annotation):
            yield from fields_of(inner)


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models(inner)


def test_every_field_is_named() -> None:
    """And what the tables name first in a row is a field."""
    fields = set(fields_of(DiffResult))
    assert fields <= set(re.findall(r"`([a-z0-9_]+)`", PAGE))
    first_cells = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    assert {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)} <= fields


def test_every_literal_is_named() -> None:
    """The words that a field may hold are listed."""
    for model in (DiffResult, *_all_models(DiffResult)):
        for field in model.model_fields.values():
            if typing.get_origin(field.annotation) is typing.Literal:
                words = typing.get_args(field.annotation)
                assert [word for word in words if f"`{word}`" not in PAGE] == []


def _all_models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for field in model.model_fields.values():
        for inner in _models(field.annotation):
            yield inner
            yield from _all_models(inner)
