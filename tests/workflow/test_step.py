"""Steps: values that cannot change between approval and run."""

import pytest
from pydantic import ValidationError
from toy_world import STEPS, ToyWorld, write_file

from requorum.workflow.step import Step, StepOutline


def test_a_step_does_not_change() -> None:
    """What was approved is what runs."""
    with pytest.raises(ValidationError, match="frozen"):
        write_file("left").text = "other"


def test_a_step_without_its_methods_cannot_be_made() -> None:
    """Each step says how it is undone."""
    with pytest.raises(TypeError, match="abstract"):
        Step[ToyWorld](kind="x", host="-", title="x", reason="x")  # type: ignore[abstract] # meant


def test_unknown_fields_are_refused_in_steps_and_ignored_in_outlines() -> None:
    """Running needs every field understood; showing needs only the words."""
    data = write_file("left").model_dump_json().replace('"name"', '"nickname"').encode()
    with pytest.raises(ValidationError, match="nickname"):
        STEPS.validate_json(data)
    assert StepOutline.model_validate_json(data).title == "write left"
