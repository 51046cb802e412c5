"""What `systemctl show` says of a unit.

Source: org.freedesktop.systemd1(5), "Unit Objects" and "Service Unit Objects".
"""

from collections.abc import Mapping
from dataclasses import dataclass

PROPERTIES = ("LoadState", "ActiveState", "SubState", "Job")
"""What `UnitState` is made of, for `systemctl show --property`."""

_ALIVE = frozenset({"active", "reloading", "refreshing", "activating", "deactivating"})


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitState:
    """The state of one moment, in systemd's own words; `job` is whether a job is queued for it."""

    load: str
    active: str
    sub: str
    job: bool

    @property
    def exists(self) -> bool:
        """Return whether systemd has such a unit, were it only one that still runs."""
        return self.load != "not-found" or self.runs

    @property
    def runs(self) -> bool:
        """Return whether it runs, ends, or is started again by systemd at any moment.

        `activating (auto-restart)` is a unit between two attempts of Restart=; a queued job may
        be one that starts it.
        """
        return self.active in _ALIVE or self.job

    @property
    def started(self) -> bool:
        """Return whether it is up, as its Type= understands that."""
        return self.active in {"active", "reloading", "refreshing"}

    def __str__(self) -> str:
        return f"{self.active} ({self.sub})"


def parse_properties(text: str) -> Mapping[str, str]:
    """Return the properties that `systemctl show` printed; a line without `=` is none."""
    lines = (line.partition("=") for line in text.splitlines())
    return {name: value for name, equals, value in lines if equals}


def parse_unit_state(text: str) -> UnitState:
    """Return the state out of what `systemctl show --property=...` printed for `PROPERTIES`."""
    properties = parse_properties(text)
    return UnitState(
        load=properties.get("LoadState", ""),
        active=properties.get("ActiveState", ""),
        sub=properties.get("SubState", ""),
        job=properties.get("Job", "0") not in {"", "0"},
    )
