"""Figures as people read them in a terminal: by unit, in few characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

ABSENT: Final = "–"  # noqa: RUF001  # a dash as wide as a digit
_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_DURATIONS_MS: Final = (  # from this long on, in these two units
    (86_400_000, 3_600_000, "d", "h"),
    (3_600_000, 60_000, "h", "min"),
    (60_000, 1_000, "min", "s"),
)
_AGES_MS: Final = (
    (3 * 86_400_000, 86_400_000, "d"),
    (3_600_000, 3_600_000, "h"),
    (60_000, 60_000, "min"),
)


def figure(value: float | str | None, unit: str, currency: str = "") -> str:
    """Return a value of the API in its KPI's unit; undefined is a dash."""
    if value is None:
        return ABSENT
    number = float(value)
    match unit:
        case "ratio":
            return percent(number)
        case "seconds":
            return duration(number * 1_000)
        case "money":
            digits = 0 if abs(number) >= 100_000 else 4 if 0 < abs(number) < 0.1 else 2
            return f"{number:,.{digits}f} {currency}".rstrip()
        case "count":
            return count(number)
    return f"{number:,.2f}".rstrip("0").rstrip(".")


def count(number: float) -> str:
    """Return how many; from a million on in millions."""
    for size, letter in ((1e9, "B"), (1e6, "M")):
        if abs(number) >= size:
            return f"{number / size:.2f}{letter}"
    return f"{number:,.0f}" if number == int(number) else f"{number:,.2f}"


def percent(number: float) -> str:
    """Return a share, small ones with more digits."""
    size = abs(number)
    digits = 0 if size >= 10 else 1 if size >= 0.1 else 3 if 0 < size < 0.001 else 2
    return f"{number:.{digits}%}"


def duration(ms: float) -> str:
    """Return a duration in its two largest units."""
    if ms < 0:
        return f"-{duration(-ms)}"
    if ms < 1_000:
        return f"{ms:.0f} ms" if ms else "0 s"
    for large, small, big, little in _DURATIONS_MS:
        if ms >= large:
            whole, rest = divmod(round(ms / small), large // small)
            return f"{whole} {big} {rest} {little}" if rest else f"{whole} {big}"
    return f"{ms / 1_000:.1f} s"


def age(ms: float) -> str:
    """Return how long ago something was, in one unit."""
    for least_ms, unit_ms, unit in _AGES_MS:
        if ms >= least_ms:
            return f"{int(ms // unit_ms)} {unit}"
    return f"{max(0, round(ms / 1_000))} s"


def change(number: float | None) -> str:
    """Return what a value gained, with its sign."""
    if number is None:
        return ""
    return f"{number:+.0%}" if abs(number) >= 1 else f"{number:+.1%}"


def course(values: Sequence[float | None], width: int) -> str:
    """Return a line of blocks from the first known value on; what is unknown is a blank."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    first = next(i for i, value in enumerate(values) if value is not None)
    shown = values[first:]
    if len(shown) > width:  # the newest of each stretch: its end is what a window's value is of
        shown = [shown[(i + 1) * len(shown) // width - 1] for i in range(width)]
    low, high = min(known), max(known)
    scale = (len(_BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(
        " " if value is None else _BLOCKS[round((value - low) * scale) if scale else 3]
        for value in shown
    )
