"""systemd's specifiers: `%n` for the unit's name, `%H` for the host's, and so on.

Source: systemd.unit(5), "Specifiers". What a system-wide manager makes of them; those that depend
on what only the manager knows are not in the table.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from requorum.errors import DamagedInput

_SPECIFIER = re.compile(r"%([A-Za-z%])")
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")
_FIXED = {
    "%": "%",
    "C": "/var/cache",
    "E": "/etc",
    "L": "/var/log",
    "S": "/var/lib",
    "T": "/tmp",  # noqa: S108  # systemd's own value
    "U": "0",
    "V": "/var/tmp",  # noqa: S108  # systemd's own value
    "g": "root",
    "G": "0",
    "h": "/root",
    "t": "/run",
    "u": "root",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostWords:
    """What specifiers say of a host; "" for what was not asked."""

    hostname: str = ""
    machine_id: str = ""
    boot_id: str = ""
    kernel_release: str = ""


def specifiers(unit: str, host: HostWords) -> Mapping[str, str]:
    """Return the meaning of each specifier in that unit; `unit` with its suffix."""
    whole = unit.rpartition(".")[0] or unit
    prefix, _, instance = whole.partition("@")
    known = {
        "H": host.hostname,
        "l": host.hostname.partition(".")[0],
        "m": host.machine_id,
        "b": host.boot_id,
        "v": host.kernel_release,
    }
    return {
        **_FIXED,
        **{letter: value for letter, value in known.items() if value},
        "n": unit,
        "N": whole,
        "p": prefix,
        "P": _unescaped(prefix),
        "i": instance,
        "I": _unescaped(instance),
        "j": prefix.rpartition("-")[2],
        "J": _unescaped(prefix.rpartition("-")[2]),
    }


def expand_specifiers(text: str, meaning: Mapping[str, str]) -> str:
    """Replace them; DamagedInput for one whose meaning is not known.

    A `%` before anything but a letter stays.
    """

    def replaced(match: re.Match[str]) -> str:
        try:
            return meaning[match[1]]
        except KeyError as error:
            raise DamagedInput(
                f"the specifier {match[0]} in `{text}` has a meaning that only systemd knows",
                hint="Write its value in the unit.",
            ) from error

    return _SPECIFIER.sub(replaced, text)


def _unescaped(text: str) -> str:
    r"""Undo what systemd-escape(1) does: `-` stands for `/`, `\x2d` for a byte."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text.replace("-", "/"))
