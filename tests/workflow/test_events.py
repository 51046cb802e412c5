"""What steps may put in their notes."""

import pytest
from pydantic import JsonValue, ValidationError

from requorum.workflow.events import note_from


def test_a_note_is_cleaned_before_it_is_judged() -> None:
    """Words that JSON cannot hold become words that it can, and secrets go."""
    raw: dict[str, JsonValue] = {"path": "/var/\udcff", "list": ["secret", 1, None, True, 1.5]}

    def clean(text: str) -> str:
        return text.replace("secret", "***").encode("utf-8", "backslashreplace").decode()

    expected = {"path": "/var/\\udcff", "list": ["***", 1, None, True, 1.5]}
    assert note_from(raw, clean) == expected


@pytest.mark.parametrize("value", [b"bytes", (1, 2), object()])
def test_a_note_holds_json_only(value: JsonValue) -> None:
    """Anything else is the step's mistake, found when the note is made."""
    with pytest.raises(ValidationError):
        note_from({"value": value}, str)
