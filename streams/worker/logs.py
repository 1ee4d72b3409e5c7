"""The worker's log: one line a fact, on stderr."""

from __future__ import annotations

import logging
import sys
from time import monotonic
from typing import Final

FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# Faust and its kin tell every step of every service at info.
QUIET: Final = ("faust", "mode", "aiokafka", "kafka")
# Faust logs services under the module that defines their class.
SERVICES: Final = ("streams.worker.app", "streams.transport.consumer", "streams.transport.thread")
REPEAT_S: Final = 30.0


def set_up_logging(level: str) -> None:
    """Log to stderr at a level of the settings; libraries only from warning on."""
    logging.basicConfig(level=level.upper(), format=FORMAT, stream=sys.stderr, force=True)
    if level == "debug":
        return
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # What kafka-python does here, at the start, either succeeds or is said once by the program.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    for name in SERVICES:
        logging.getLogger(name).addFilter(_is_no_service_step)
    for handler in logging.getLogger().handlers:
        handler.addFilter(LibraryRepeats())


def _is_no_service_step(record: logging.LogRecord) -> bool:
    return record.levelno > logging.INFO or not str(record.msg).startswith("[^")


class LibraryRepeats(logging.Filter):
    """Drops what a library says again within REPEAT_S: clients complain ten times a second."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is to be shown."""
        if not record.name.startswith(QUIET):
            return True
        key, now = (record.name, str(record.msg)), monotonic()
        if now - self._said.get(key, -REPEAT_S) < REPEAT_S:
            return False
        self._said[key] = now
        return True
