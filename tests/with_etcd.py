"""Get etcd binaries of every minor version, then run a command that needs them.

    python tests/with_etcd.py COMMAND [ARGUMENT…]

What could not be had is named before and after the command; its tests are skipped by name.
"""

import os
import subprocess
import sys

from requorum.lab.binaries import obtain
from requorum.lab.obtain.cache import default_cache
from requorum.lab.obtain.wanted import NotHad

WANTED = ("3.4", "3.5", "3.6", "3.7")
NOTHING_TO_RUN = 2


def main(argv: list[str]) -> int:
    """Return the command's exit status; 1 when no version at all could be had."""
    if not argv:
        print(__doc__, file=sys.stderr)
        return NOTHING_TO_RUN
    cache = default_cache(os.environ)
    missing: dict[str, NotHad] = {}
    for wanted in WANTED:
        found = obtain(wanted, cache, lambda line: print(line, flush=True))
        if isinstance(found, NotHad):
            missing[wanted] = found
        else:
            print(f"etcd {found.version}: {found.directory} (from {found.way})", flush=True)
    if len(missing) == len(WANTED):
        print("no version of etcd could be had; nothing was run", file=sys.stderr)
        return 1
    _name(missing)
    environment = os.environ | {
        "REQUORUM_ETCD_CACHE": str(cache),
        "REQUORUM_ETCD_MISSING": ",".join(missing),
    }
    status = subprocess.run(argv, env=environment, check=False).returncode
    _name(missing)
    return status


def _name(missing: dict[str, NotHad]) -> None:
    for found in missing.values():
        print(f"NOT RUN for want of a binary: {found}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
