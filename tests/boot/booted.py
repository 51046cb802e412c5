"""What a real etcd does with a data directory: started, watched, and killed by its pid."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from requorum.lab.layout import Lab
from requorum.lab.member_flags import member_argv
from requorum.lab.process import alive, kill_all, spawn_daemon, wait_gone

Goal = Literal["raft", "ready"]

_READY = "published local member to cluster through raft"
_RAFT = re.compile(r"newRaft [0-9a-f]+ \[")
_PORT_TAKEN = "address already in use"
_LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Booted:
    """`ended`: it died by itself. `raft`: it got as far as that. `ready`: it served."""

    ended: bool
    raft: bool
    ready: bool
    log: str

    @property
    def port_taken(self) -> bool:
        """Return whether another program took its port: that says nothing of the directory."""
        return self.ended and _PORT_TAKEN in self.log

    @property
    def last_words(self) -> str:
        """Return the lines that say why it died, for a failed test's message."""
        telling = ('"level":"fatal"', '"level":"panic"', "panic: ", "fatal error", "fault address")
        lines = [line for line in self.log.splitlines() if any(t in line for t in telling)]
        return "\n".join(line[:400] for line in (lines or self.log.splitlines()[-3:]))


def boot(
    lab: Lab,
    name: str = "etcd1",
    *,
    until: Goal = "ready",
    deadline: float = 8.0,
    flags: Sequence[str] = (),
) -> Booted:
    """Start it and wait until it gets that far, dies, or the seconds are over; then kill it."""
    log = lab.log(name)
    log.unlink(missing_ok=True)
    give_up = time.monotonic() + deadline
    process = spawn_daemon([*member_argv(lab, name), *flags], log=log, env={"HOME": "/"})
    try:
        while True:
            ended = not alive(process)
            text = log.read_text(encoding="utf-8", errors="replace")
            raft, ready = _RAFT.search(text) is not None, _READY in text
            far_enough = ready or (raft and until == "raft")
            if ended or far_enough or time.monotonic() > give_up:
                return Booted(ended, raft, ready, text)
            wait_gone(process, deadline=_LOOK_SECONDS)
    finally:
        kill_all([process])
