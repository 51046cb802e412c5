"""A member's supervisor in a few lines, as the service commands of a cluster file.

Run as a script: `python -I -S supervisor.py lab member VERB --dir DIR NAME`, where VERB is start,
stop, kill, status or configure. The words are those of `requorum lab member`, but nothing of
requorum is loaded: it takes 20 ms, and these are etcd processes that requorum did not start.
`DIR/NAME/argv.json` is what is run.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

STOP_SECONDS = 15


def pid_of(argv: list[str]) -> int | None:
    """Return the process with exactly these arguments, None when there is none."""
    wanted = b"".join(os.fsencode(word) + b"\0" for word in argv)
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and cmdline(entry) == wanted:
            return int(entry.name)
    return None


def cmdline(entry: Path) -> bytes:
    """Return a process's arguments; empty when it has ended, whether reaped or not."""
    try:
        return (entry / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def start(folder: Path, argv: list[str]) -> None:
    """Start it in a session of its own, unless it runs."""
    if pid_of(argv) is not None:
        return
    if os.fork():
        return
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    log = os.open(folder / "etcd.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.execv(argv[0], argv)  # noqa: S606 - an argument list, and no shell is the point


def end(argv: list[str], number: int) -> None:
    """Signal it, and return once it is gone."""
    give_up = time.monotonic() + STOP_SECONDS
    while (pid := pid_of(argv)) is not None:
        os.kill(pid, number if time.monotonic() < give_up else signal.SIGKILL)
        time.sleep(0.01)


def configure(folder: Path, argv: list[str]) -> None:
    """Set the flags that were given from the next start on; without any go back."""
    before, given = folder / "argv.before.json", sys.argv[7:]
    if given and not before.exists():
        before.write_text(json.dumps(argv))
    first = json.loads(before.read_text()) if before.exists() else argv
    names = {flag.partition("=")[0] for flag in given}
    kept = [word for word in first if word.partition("=")[0] not in names]
    (folder / "argv.json").write_text(json.dumps([*kept, *given]))


def main(verb: str, folder: Path) -> int:
    """Do one thing; return the exit status."""
    argv = json.loads((folder / "argv.json").read_text())
    match verb:
        case "start":
            start(folder, argv)
        case "stop":
            end(argv, signal.SIGTERM)
        case "kill":
            end(argv, signal.SIGKILL)
        case "configure":
            configure(folder, argv)
        case "status":
            return 0 if pid_of(argv) is not None else 1
        case _:
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[3], Path(sys.argv[5]) / sys.argv[6]))
