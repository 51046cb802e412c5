"""The shipped JSON Schema is the model's, and the reference of the cluster file has every field."""

import json
from collections.abc import Iterator
from typing import Any

import yaml
from doc_pages import ROOT, blocks
from rewriting import hold_whole

from requorum.app.cluster_file import parse_cluster
from requorum.app.cluster_models import ClusterModel

SCHEMA = ROOT / "src" / "requorum" / "app" / "cluster_file.schema.json"
PAGE = ROOT / "docs" / "reference" / "cluster-file.md"


def test_the_schema_is_up_to_date() -> None:
    """What editors check by is what requorum checks by."""
    hold_whole(SCHEMA, json.dumps(_schema(), indent=2) + "\n")


def _schema() -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **ClusterModel.model_json_schema(),
        "title": "requorum.yaml",
    }


def test_every_field_has_its_row() -> None:
    """The page has a row for each field by its full name, and none that does not exist."""
    page = PAGE.read_text(encoding="utf-8")
    rows = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert rows == set(_fields(_schema(), ""))


def _fields(schema: dict[str, Any], prefix: str) -> Iterator[str]:
    definitions = _schema()["$defs"]
    for name, field in schema["properties"].items():
        yield f"{prefix}{name}"
        many = "items" in field
        choices = [field["items"]] if many else _choices(field)
        for choice in choices:
            if "$ref" in choice:
                inner = definitions[choice["$ref"].rpartition("/")[2]]
                yield from _fields(inner, f"{prefix}{name}{'[]' if many else ''}.")


def _choices(field: dict[str, Any]) -> list[dict[str, Any]]:
    return [field, *field.get("anyOf", ()), *field.get("oneOf", ())]


def test_the_examples_are_cluster_files() -> None:
    """Every YAML block of the pages that names members is one that requorum takes."""
    found = 0
    for page in (ROOT / "docs").rglob("*.md"):
        for block in blocks(page):
            if block.language == "yaml" and "members" in (yaml.safe_load(block.text) or {}):
                parse_cluster(block.text, block.place)
                found += 1
    assert found
