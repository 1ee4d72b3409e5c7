"""From the exporter's rows to the few figures that fit on a screen."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.request import Request, urlopen

from streams.tables.base import PartitionId

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

WINDOWS: Final = ("5m", "1h")
_TIMEOUT_S: Final = 5.0
_STATS: Final = ("value", "p50")
ABSENT: Final = "–"  # noqa: RUF001  # a dash as wide as a digit
_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600


@dataclass(frozen=True)
class Figure:
    """One KPI's total: a value a window, and how much stands behind the last one."""

    name: str
    values: tuple[str, ...]
    samples: str


def fetch_rows(base_url: str, token: str) -> list[dict[str, Any]] | None:
    """Return the exporter's totals, None where it has none yet (it may be starting again)."""
    rows: list[dict[str, Any]] | None = _fetch(f"{base_url}/api/v1/kpis?by=total", token)
    return rows


def shows(base_url: str, token: str, ends: Mapping[PartitionId, int]) -> bool:
    """Tell whether the exporter's figures are those of everything before these offsets."""
    page = _fetch(f"{base_url}/api/v1/health", token)
    if page is None or not page["ready"]:
        return False
    reached = {
        PartitionId(p["topic"], p["partition"]): p["offset"] or 0 for p in page["partitions"]
    }
    return all(reached.get(who, 0) >= end for who, end in ends.items())


def _fetch(url: str, token: str) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = Request(url, headers=headers)  # noqa: S310  # always http
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310  # as above
            return json.load(answer)
    except (OSError, HTTPException, ValueError):
        return None


def totals(
    rows: Iterable[dict[str, Any]],
    headlines: Collection[str] = (),
    windows: Sequence[str] = WINDOWS,
) -> list[Figure]:
    """Pick the totals in these windows: the headline KPIs first, else in the order of the rows.

    A KPI without a value in any of the windows is left out: nobody publishes what it counts.
    """
    rows = sorted(rows, key=lambda row: row["kpi"] not in headlines)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        dimensions = row["dimensions"]
        if row["stat"] not in _STATS or not set(dimensions) <= {"currency"}:
            continue
        words = [row["kpi"].replace("_", " "), dimensions.get("currency", "")]
        if row["stat"] != "value":
            words.append(row["stat"])
        found.setdefault(" ".join(filter(None, words)), {})[row["window"]] = row
    figures = [
        Figure(
            name,
            tuple(_write(by_window.get(window)) for window in windows),
            _samples(by_window.get(windows[-1])),
        )
        for name, by_window in found.items()
    ]
    return [figure for figure in figures if set(figure.values) != {ABSENT}]


def _write(row: dict[str, Any] | None) -> str:
    if row is None or row["value"] is None:
        return ABSENT
    value = float(row["value"])
    match row["unit"]:
        case "ratio":
            return f"{value:.2%}"
        case "seconds":
            return _duration(value)
        case "money":
            return f"{value:,.2f}"
        case _:
            return f"{value:,.0f}"


def _duration(seconds: float) -> str:
    if seconds >= _HOUR_S:
        return f"{seconds / _HOUR_S:.1f} h"
    if seconds >= _MINUTE_S:
        return f"{seconds / _MINUTE_S:.1f} min"
    return f"{seconds:.1f} s"


def _samples(row: dict[str, Any] | None) -> str:
    return ABSENT if row is None or row.get("samples") is None else f"{int(row['samples']):,}"
