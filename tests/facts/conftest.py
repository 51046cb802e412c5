"""The facts of these tests are made by modules beside them, and beside the inspection's tests."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "inspection")]
