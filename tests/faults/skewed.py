"""``kpi`` with a clock that is off by what a file says, in ms, and jumps whenever it changes."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

_real_ns = time.time_ns
_file = Path(os.environ["SKEW_FILE"])


def _skewed_ns() -> int:
    text = _file.read_text()
    return _real_ns() + int(text or "0") * 1_000_000


time.time_ns = _skewed_ns

if __name__ == "__main__":
    from streams.cli.main import main

    sys.exit(main())
