"""Every error that requorum raises on purpose, each with its exit code.

::

    RequorumError                    1  findings, or a step that failed
     ├── StepFailed                  1  a step of a plan did not do what it had to
     ├── EtcdError                   1  etcd answered, and its answer is an error
     ├── NotPermitted                1  the system does not let us read or change a file
     ├── OutputLost                  1  the result could not be written to stdout
     │    └── OutputUnread         141  nobody reads it any more, as with `| head`
     ├── UsageError                  2  the command line or a file we were given is wrong
     │    └── ClusterFileError       2  requorum.yaml: the line is named
     ├── Refused                     3  we could, but it would be wrong to
     │    ├── FactsChanged           3  the facts moved since the plan was approved
     │    ├── Locked                 3  another run holds the lock
     │    ├── NotEnoughSpace         3  a disk is too full for what the plan must write
     │    └── ToolUnfit              3  an etcd binary is missing, or of the wrong version
     ├── Unreachable                 4  a host, a member or a store does not answer
     │    ├── Barred                 4  it may well be there, and we are not let through to it
     │    └── DeadlineExceeded       4  it answered nothing within its deadline
     └── DamagedInput                5  a file or message is not what its format promises

Messages are lowercase and end without a full stop. Hints are whole sentences that say what to do.
"""

from typing import ClassVar


class RequorumError(Exception):
    """Something went wrong that an operator can understand; `hint` says what to do about it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class StepFailed(RequorumError):
    """A step of a plan did not do what it had to; the journal knows which."""


class NoSuchUnit(StepFailed):
    """A host's systemd has no unit of that name."""


class EtcdError(RequorumError):
    """etcd answered with an error; the message is etcd's own, so that operators find it."""


class NotPermitted(RequorumError):
    """The system does not let us: what a file holds is unknown then, and never taken for lost."""


class OutputLost(RequorumError):
    """The result could not be written to stdout. Its hint says what was done all the same."""


class OutputUnread(OutputLost):
    """Nobody reads stdout any more; said only where there is a hint to give, as by other tools."""

    exit_code = 141


class UsageError(RequorumError):
    """The command line, or a file that the operator wrote, is wrong."""

    exit_code = 2


class ClusterFileError(UsageError):
    """The cluster file is malformed; the message names file, line and field."""


class Refused(RequorumError):
    """The request is understood and possible, but carrying it out would be wrong."""

    exit_code = 3


class FactsChanged(Refused):
    """What the plan was made for is no longer so; a new plan is needed."""


class Locked(Refused):
    """Another run works on the same member."""


class NotEnoughSpace(Refused):
    """A disk is too full for what the plan must write there."""


class ToolUnfit(Refused):
    """An etcd binary that the plan needs is missing, or of a version that cannot do it."""


class Unreachable(RequorumError):
    """A host, a member or a store does not answer."""

    exit_code = 4


class Barred(Unreachable):
    """Somebody may be there, and a host on the way does not let us through."""


class DeadlineExceeded(Unreachable):
    """No answer came within the deadline."""


class DamagedInput(RequorumError):
    """Bytes are not what their format promises; formats raise nothing else for them."""

    exit_code = 5
