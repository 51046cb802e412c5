"""The reference names every field of what `inspect wal` prints."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from requorum.app.inspect.wal import results as results_wal
from requorum.app.results import Result

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "json-output.md"
MODELS = [
    model
    for model in vars(results_wal).values()
    if isinstance(model, type) and issubclass(model, Result) and model is not Result
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_is_named(model: type[BaseModel]) -> None:
    """In the section about this command."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## inspect wal\n")[2]
    section = re.split(r"\n## ", section)[0]
    named = set(re.findall(r"`([a-z0-9_]+)`", section))
    assert set(model.model_fields) <= named


def test_a_torn_end_is_no_damage_and_a_lost_entry_is() -> None:
    """A leader's snapshot takes the place of entries: nothing is lost then."""
    summary = results_wal.WalSummary(
        path="wal", segments=(), member=None, cluster=None, records=0, entries=0, superseded=0,
        doubtful=0, first_index=0, last_index=0, terms=(), term=None, vote=None, commit=0,
        committed_to=0, snapshots=(), ending="torn", damages=(), missing=(), in_use=False, shown=0,
        revokes_unknown=0, notes=(),
    )  # fmt: skip  # an empty one
    assert not summary.damaged
    for reason in ("snapshot", "lost"):
        gap = results_wal.WalMissingResult(first_index=1, last_index=2, reason=reason)
        assert summary.model_copy(update={"missing": (gap,)}).damaged is (reason == "lost")
