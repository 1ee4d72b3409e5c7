"""Logging of the command line: ours at the level asked for, libraries only when it matters."""

from __future__ import annotations

import logging
from typing import Final

_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# A client that cannot connect says so many times a second; the command says it once.
_CHATTY: Final = ("kafka", "aiokafka", "asyncio")


def configure_logs(level: str) -> None:
    """Send logs to stderr.

    Args:
        level: debug, info, warning or error; debug shows the libraries' chatter too.
    """
    logging.basicConfig(format=_FORMAT, level=logging.WARNING)
    for name in ("streams", "processors"):
        logging.getLogger(name).setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.INFO if level == "debug" else logging.CRITICAL)
