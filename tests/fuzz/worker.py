"""Reads damaged files, one after the other, within bounded memory: `python worker.py …`.

A process of its own, so that whoever started it can end it when it hangs, and so that a bound on
memory is the kernel's. It takes numbers of cases on stdin and answers each with a line of JSON.
"""

import argparse
import json
import resource
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from cases import make_case
from readers import read_everything

MEMORY = 1 << 30
"""Bytes that a worker may hold besides mapped files; a sample has at most 64 MB."""


def main() -> None:
    """Answer until stdin ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=Path, required=True)
    parser.add_argument("--room", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--doors-every", type=int, required=True)
    parser.add_argument("minors", nargs="+")
    wanted = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    for line in sys.stdin:
        shutil.rmtree(wanted.room, ignore_errors=True)
        wanted.room.mkdir()
        case = make_case(wanted.files, wanted.minors, wanted.seed, int(line), wanted.room)
        print(json.dumps({"started": case.what, "kind": case.kind}), flush=True)
        doors = wanted.doors_every and case.number % wanted.doors_every < len(wanted.minors)
        reading = read_everything(case, doors=bool(doors))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps(asdict(reading) | {"peak_kib": peak, "path": str(case.path)}), flush=True)


if __name__ == "__main__":
    main()
