"""What came of one trial on hosts, and whether it failed: pure."""

from requorum.lab.trials.record import TrialRecord


class HostTrialRecord(TrialRecord):
    """One trial, whole. `style`: where etcd's unit had its configuration from.

    `disorder` tells what was wrong with the order in which etcd's clients were stopped and started.
    `beside_lost`: acknowledged writes of the stand-ins that are missing; how many they are in all
    is `beside`.
    """

    style: str
    beside: int = 0
    beside_lost: int = 0
    disorder: tuple[str, ...] = ()

    @property
    def failures(self) -> tuple[str, ...]:
        """Return why the trial failed; empty when it did not.

        Of a stand-in's write nobody knows the revision: where a loss was stated it may be in it.
        """
        found = [*super().failures, *self.disorder]
        if self.beside_lost and self.recovery is not None and self.recovery.proven_none:
            found.append(f"{self.beside_lost} acknowledged writes of the stand-ins are lost")
        return tuple(found)
