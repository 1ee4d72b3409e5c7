"""A worker with clocks: ``python -m streams.bench.measured_worker METERS.json``.

The file holds the processor seconds by stage, rewritten a few times a second.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Final

from streams.bench.meters import Meters
from streams.settings import load_settings
from streams.worker.run import run_worker

_WRITE_INTERVAL_S: Final = 0.25


def run(path: Path) -> int:
    """Run the worker as ``kpi worker`` does, and keep the file written."""
    meters = Meters()
    threading.Thread(target=_write, args=(path, meters), daemon=True).start()
    return run_worker(load_settings({}, os.environ), meters.backend)


def _write(path: Path, meters: Meters) -> None:
    fresh = path.with_suffix(".new")
    pause = threading.Event()
    while True:
        fresh.write_text(json.dumps(meters.seconds()))
        fresh.replace(path)  # a reader never sees half a file
        pause.wait(_WRITE_INTERVAL_S)


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
