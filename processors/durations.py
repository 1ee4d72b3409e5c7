"""Durations as people write them (``5m``) and as the code keeps them (milliseconds)."""

from __future__ import annotations

import re

_UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PATTERN = re.compile(r"(\d+)(ms|s|m|h|d)")


def parse_duration_ms(text: str) -> int:
    """Parse ``90s``, ``5m``, ``1h``, ``30d`` into milliseconds.

    Raises:
        ValueError: the text is not a whole positive number followed by ms, s, m, h or d.
    """
    match = _PATTERN.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise ValueError(f"{text!r} is not a duration such as 90s, 5m, 1h or 30d")
    return int(match[1]) * _UNIT_MS[match[2]]


def format_duration(duration_ms: int) -> str:
    """Write milliseconds in the largest unit that divides them: ``300000`` is ``5m``."""
    for unit in ("d", "h", "m", "s"):
        if duration_ms % _UNIT_MS[unit] == 0:
            return f"{duration_ms // _UNIT_MS[unit]}{unit}"
    return f"{duration_ms}ms"
