"""etcd's --config-file: the flags that it stands for, and the same file with some changed.

Source: etcd server/embed/config.go, configYAML and securityConfig (3.4: embed/config.go). Its keys
are the flags' names, but those of the two transport-security blocks. A file makes etcd ignore every
other flag and each ETCD_* variable.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from requorum.errors import DamagedInput
from requorum.formats.etcd_settings.flags import BOOLEAN_FLAGS
from requorum.formats.etcd_settings.yaml_lines import (
    Edit,
    applied,
    child,
    compose,
    is_null,
    line_of,
    quoted,
    replacement,
    scalar,
)

_SECURITY = (
    "cert-file",
    "key-file",
    "client-cert-file",
    "client-key-file",
    "client-cert-auth",
    "trusted-ca-file",
    "auto-tls",
)
_BLOCKS = {"client-transport-security": "", "peer-transport-security": "peer-"}
_TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"})


@dataclass(frozen=True, slots=True)
class ConfigValue:
    """The value of a key, by the name of the flag that does the same."""

    flag: str
    value: str
    line: int


def parse_config_file(text: str) -> tuple[ConfigValue, ...]:
    """Return every value that is not empty; DamagedInput where etcd would not take the file."""
    root = compose(text)
    if root is None or is_null(root):
        return ()
    if not isinstance(root, yaml.MappingNode):
        raise DamagedInput(f"line {line_of(root)}: it is no mapping")
    found = {value.flag: value for value in _values(root)}
    return tuple(value for value in found.values() if value.value)


def _values(root: yaml.MappingNode) -> Iterator[ConfigValue]:
    for key, node in root.value:
        name = scalar(key, "a key")
        if name in _BLOCKS:
            yield from _security(node, name)
        elif isinstance(node, yaml.ScalarNode):
            yield _value(name, node)


def _security(block: yaml.Node, name: str) -> Iterator[ConfigValue]:
    if not isinstance(block, yaml.MappingNode) and not is_null(block):
        raise DamagedInput(f"line {line_of(block)}: {name} is no mapping")
    for key in _SECURITY:
        node = child(block, key)
        if node is not None:
            # The peers' `client-cert-file` is --peer-client-cert-file, and so on.
            yield _value(f"{_BLOCKS[name]}{key}", node)


def _value(flag: str, node: yaml.Node) -> ConfigValue:
    text = scalar(node, flag)
    if node.tag == "tag:yaml.org,2002:bool":
        text = "true" if text in _TRUE else "false"
    return ConfigValue(flag, text, line_of(node))


def changed_config_file(text: str, values: Mapping[str, str]) -> str:
    """Return the text with these keys of the top level set; every other character stays.

    A truth value is written as one: etcd takes no text for it.
    DamagedInput when the text cannot be changed so that it means this and nothing else.
    """
    root = compose(text)
    if root is not None and not (isinstance(root, yaml.MappingNode) and not root.flow_style):
        raise DamagedInput("its mapping is not written key by key on lines of their own")
    edits = [
        replacement(text, node, value, plain=flag in BOOLEAN_FLAGS)
        for flag, value in values.items()
        if (node := child(root, flag)) is not None and scalar(node, flag) != value
    ]
    new = {flag: value for flag, value in values.items() if child(root, flag) is None}
    return _proven(applied(text, [*edits, *_additions(text, root, new)]), text, values)


def _additions(text: str, root: yaml.Node | None, new: Mapping[str, str]) -> list[Edit]:
    if not new:
        return []
    end = len(text) if root is None else int(root.end_mark.index)
    indent = " " * (root.start_mark.column if root else 0)
    before = "" if end == 0 or text[end - 1] == "\n" else "\n"
    lines = "".join(f"{indent}{flag}: {_written(flag, value)}\n" for flag, value in new.items())
    return [Edit(end, end, before + lines)]


def _written(flag: str, value: str) -> str:
    return value if flag in BOOLEAN_FLAGS else quoted(value)


def _proven(result: str, text: str, values: Mapping[str, str]) -> str:
    before = {v.flag: v.value for v in parse_config_file(text)}
    after = {v.flag: v.value for v in parse_config_file(result)}
    if after != before | dict(values):
        raise DamagedInput("its lines cannot be changed one by one")
    return result
