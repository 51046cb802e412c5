"""One symptom of etcd: how to recognise it, its cause, the safe way out, and what never to do."""

import re
from dataclasses import dataclass, field

MinorSeries = tuple[int, int]
"""(major, minor), as (3, 5)."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How releases of some minors word it: a regular expression, searched within a log line.

    It matches the JSON lines of zap as well as the plain ones that 3.4 writes by default. `since`
    and `until` are inclusive; None is no bound.
    """

    regex: str
    since: MinorSeries | None = None
    until: MinorSeries | None = None
    _compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_compiled", re.compile(self.regex))

    def used_by(self, minor: MinorSeries | None) -> bool:
        """Return whether releases of that minor word it so; None is any minor."""
        if minor is None:
            return True
        return (self.since or minor) <= minor <= (self.until or minor)

    def found_in(self, line: str) -> bool:
        """Return whether the line says it."""
        return self._compiled.search(line) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One entry of the catalogue.

    `id` is stable: scripts and other commands refer to it. `symptom` is etcd's text as an operator
    would search for it. `fix` is what is safe; `never` what is often tried and makes it worse.
    `sources` are issues ("etcd-io/etcd#10166") or files of a release ("etcd 3.6.14 server/…").
    """

    id: str
    symptom: str
    wordings: tuple[Wording, ...]
    cause: str
    fix: str
    never: str | None = None
    sources: tuple[str, ...]

    def found_in(self, text: str, minor: MinorSeries | None = None) -> bool:
        """Return whether a log line, or several, of that minor says it."""
        return any(w.used_by(minor) and w.found_in(text) for w in self.wordings)


def links_of(signature: Signature) -> tuple[str, ...]:
    """Return the issues among the sources as URLs."""
    issues = (source.partition("#") for source in signature.sources if "#" in source)
    return tuple(f"https://github.com/{repo}/issues/{number}" for repo, _, number in issues)
