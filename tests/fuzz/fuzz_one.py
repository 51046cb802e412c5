"""Fuzz one format, led by coverage: `FORMAT=wal python fuzz_one.py CORPUS [libFuzzer's flags]`.

Needs atheris, which has wheels for few versions of Python and so is no dependency: `make fuzz` has
a virtual environment of its own for it.
"""

import os
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["requorum"]):
    from seeds import SEEDS
    from targets import TARGETS


def main() -> None:
    """Write the seeds into the corpus, and fuzz until a flag or a finding ends it."""
    name = os.environ["FORMAT"]
    for number, seed in enumerate(SEEDS[name]):
        (Path(sys.argv[1]) / f"seed-{number}").write_bytes(seed)
    # libFuzzer starts itself anew, through a shell, to merge a corpus.
    atheris.Setup([f"{sys.executable} {__file__}", *sys.argv[1:]], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
