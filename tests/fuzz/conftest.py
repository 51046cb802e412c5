"""These tests are made of modules beside them, and of what other rooms' tests are made of."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [
    str(HERE),
    *(str(HERE.parent / room) for room in ("formats", "facts", "inspection")),
]
