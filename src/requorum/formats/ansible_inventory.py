"""An Ansible inventory: what `ansible-inventory --list` prints, and an inventory in YAML.

Both are YAML, JSON being a part of it, and are read as texts only: what Ansible would render out
of `{{ … }}` nobody knows but Ansible. Source: ansible lib/ansible/cli/inventory.py,
lib/ansible/plugins/inventory/yaml.py.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from requorum.errors import DamagedInput

SIZE_MAX = 16 << 20
"""Characters of an inventory with the facts of some thousand hosts."""
_GROUPS_MAX = 20_000
"""Visits of groups: one may be named by many."""
_LIST_HINT = "Give what `ansible-inventory -i INVENTORY --list` prints."
_INI = re.compile(r"^\s*\[[\w.:@ -]+\]\s*$", re.MULTILINE)
_JINJA = "{{"


@dataclass(frozen=True, slots=True)
class Inventory:
    """Groups with their hosts, children's included, and each host's variables.

    Only variables whose value is one text are kept. Hosts are in the order of the inventory.
    """

    groups: Mapping[str, tuple[str, ...]]
    variables: Mapping[str, Mapping[str, str]]


def parse_inventory(text: str) -> Inventory:
    """Read it; DamagedInput, with what to do, where it is an INI inventory or no inventory."""
    if len(text) > SIZE_MAX:
        raise DamagedInput("the inventory is larger than any that Ansible writes")
    try:
        # A BaseLoader makes texts of everything, also of what has a tag such as !vault.
        data = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  # it makes no objects
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        data = None
        if not _INI.search(text):
            raise DamagedInput("it is neither JSON nor YAML", hint=_LIST_HINT) from error
    if not isinstance(data, dict) or not data:
        if _INI.search(text):
            raise DamagedInput("it is an INI inventory, which only Ansible reads", hint=_LIST_HINT)
        raise DamagedInput("it is no inventory of Ansible", hint=_LIST_HINT)
    return _Reading().of_list(data) if "_meta" in data else _Reading().of_yaml(data)


class _Reading:
    """Gathers groups and variables; hosts and groups in the order in which they are met."""

    def __init__(self) -> None:
        self._groups: dict[str, dict[str, None]] = {}
        self._variables: dict[str, dict[str, str]] = {}
        self._visits = 0

    def of_list(self, data: Mapping[str, object]) -> Inventory:
        """Read the JSON of `ansible-inventory --list`, where groups name each other."""
        for group in data:
            if group != "_meta":
                self._groups[group] = dict.fromkeys(self._listed(data, group, ()))
        hostvars = _mapping(_mapping(data["_meta"]).get("hostvars"))
        for host, values in hostvars.items():
            self._variables[host] = _texts(_mapping(values))
        return self._inventory()

    def _listed(
        self, data: Mapping[str, object], group: str, above: tuple[str, ...]
    ) -> Iterator[str]:
        self._count_visit()
        if group in above:
            return
        content = _mapping(data.get(group))
        yield from _names(content.get("hosts"))
        for child in _names(content.get("children")):
            yield from self._listed(data, child, (*above, group))

    def of_yaml(self, data: Mapping[str, object]) -> Inventory:
        """Read groups within groups; a variable that is nearer to the host counts."""
        for name, group in data.items():
            self._group(name, _mapping(group), (), {})
        return self._inventory()

    def _group(
        self,
        name: str,
        group: Mapping[str, object],
        above: tuple[str, ...],
        inherited: Mapping[str, str],
    ) -> None:
        self._count_visit()
        if name in above:
            return
        variables = {**inherited, **_texts(_mapping(group.get("vars")))}
        self._groups.setdefault(name, {})
        for host, own in _mapping(group.get("hosts")).items():
            for each in (*above, name):
                self._groups[each].setdefault(host)
            known = self._variables.setdefault(host, {})
            known.update({**variables, **known, **_texts(_mapping(own))})
        for child, content in _mapping(group.get("children")).items():
            self._group(child, _mapping(content), (*above, name), variables)

    def _count_visit(self) -> None:
        self._visits += 1
        if self._visits > _GROUPS_MAX:
            raise DamagedInput("its groups name each other without an end", hint=_LIST_HINT)

    def _inventory(self) -> Inventory:
        if not any(self._groups.values()):
            raise DamagedInput("it is no inventory of Ansible, or one without a host")
        return Inventory({name: tuple(g) for name, g in self._groups.items()}, self._variables)


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        return {}
    return {key: content for key, content in value.items() if isinstance(key, str)}


def _names(value: object) -> Iterator[str]:
    """Yield the names of a list, or of a mapping whose keys they are."""
    if isinstance(value, list | dict):
        yield from (name for name in value if isinstance(name, str))


def _texts(variables: Mapping[str, object]) -> dict[str, str]:
    return {
        name: value
        for name, value in variables.items()
        if isinstance(value, str) and value and _JINJA not in value
    }
