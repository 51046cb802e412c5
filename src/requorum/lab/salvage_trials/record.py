"""What came of one salvage trial, and whether it failed: pure."""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from requorum.lab.salvage_trials.judged import Judged


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class ServedRecord(_Part):
    """What one version of etcd made of the result; `troubles` is empty where all is well."""

    version: str
    troubles: tuple[str, ...]


class TrialRecord(_Part):
    """One trial, whole. `judged` is None where salvage gave no result.

    `nothing_left`: there is no result, and the evidence holds no record and no entry to replay.
    """

    seed: int
    version: str
    load: int
    damages: tuple[str, ...] = ()
    judged: Judged | None = None
    served: tuple[ServedRecord, ...] = ()
    nothing_left: bool = False
    error: str | None = None
    kept: str | None = None
    salvage_seconds: float = 0.0
    seconds: float = 0.0

    @property
    def failures(self) -> tuple[str, ...]:
        """Return why the trial failed; empty when it did not."""
        return tuple(self._failures())

    def _failures(self) -> Iterator[str]:
        if self.error is not None:
            yield self.error
        elif self.judged is None and not self.nothing_left:
            yield "nothing was salvaged, though something is proven"
        if self.judged is not None:
            yield from self.judged.failures
        for served in self.served:
            for trouble in served.troubles:
                yield f"etcd {served.version}: {trouble}"
