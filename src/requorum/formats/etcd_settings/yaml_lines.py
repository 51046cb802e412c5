"""YAML whose values are changed in place: no round trip, so comments and layout stay.

etcd and kubelet read YAML through JSON: keys are texts, the last of two equal keys counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from requorum.errors import DamagedInput

SIZE_MAX = 1 << 20
"""Characters of one document; a configuration has a few thousand."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Characters [begin, end) of a text, and what comes in their place."""

    begin: int
    end: int
    text: str


def compose(text: str) -> yaml.Node | None:
    """Return the first document, None for an empty one; DamagedInput where it is no YAML."""
    if len(text) > SIZE_MAX:
        raise DamagedInput(f"it has more than {SIZE_MAX} characters")
    try:
        return next(iter(yaml.compose_all(text, Loader=yaml.SafeLoader)), None)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DamagedInput(f"line {line}: this is not YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise DamagedInput(f"this is not YAML: {error}") from error
    except RecursionError as error:
        raise DamagedInput("this YAML is nested too deeply") from error


def child(node: yaml.Node | None, *path: str) -> yaml.Node | None:
    """Return the value at that path of keys, None where there is none."""
    for name in path:
        if not isinstance(node, yaml.MappingNode):
            return None
        values = [value for key, value in node.value if _scalar_text(key) == name]
        node = values[-1] if values else None
    return node


def items(node: yaml.Node | None) -> Sequence[yaml.Node]:
    """Return the items of a list, none where it is no list."""
    return node.value if isinstance(node, yaml.SequenceNode) else ()


def scalar(node: yaml.Node | None, what: str) -> str:
    """Return a value's text, "" for none and for null; DamagedInput for a list or a mapping."""
    if node is None or is_null(node):
        return ""
    if not isinstance(node, yaml.ScalarNode):
        raise DamagedInput(f"line {line_of(node)}: {what} is no single value")
    return str(node.value)


def is_null(node: yaml.Node) -> bool:
    """Return whether it says nothing: an empty value, `null` or `~`."""
    return bool(node.tag == "tag:yaml.org,2002:null")


def line_of(node: yaml.Node) -> int:
    """Return the line that it begins on, counted from 1."""
    return int(node.start_mark.line) + 1


def replacement(text: str, node: yaml.Node, value: str, *, plain: bool = False) -> Edit:
    """Return the edit that puts a text in the place of a value: quoted, unless it is `plain`."""
    begin, end = node.start_mark.index, node.end_mark.index
    blank = " " if begin and text[begin - 1] in ":-" else ""
    newline = "\n" if text[begin:end].endswith("\n") else ""
    return Edit(begin, end, blank + (value if plain else quoted(value)) + newline)


def applied(text: str, edits: Sequence[Edit]) -> str:
    """Return the text with all edits made."""
    for edit in sorted(edits, key=lambda e: (e.begin, e.end), reverse=True):
        text = text[: edit.begin] + edit.text + text[edit.end :]
    return text


def quoted(value: str) -> str:
    """Return the text as a scalar between double quotes, on one line."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t") + '"'


def _scalar_text(node: yaml.Node) -> str | None:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else None
