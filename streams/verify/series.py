"""Window sums of the recomputation, as they change from end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from processors.catalog.model import Aggregation
from streams.verify.sql import statement, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import duckdb

    from processors.catalog.model import Measure, Window

_PERIODS: Final = {
    "day_to_date": "day",
    "month_to_date": "month",
    "quarter_to_date": "quarter",
    "year_to_date": "year",
}
_BATCH: Final = 100_000

Source = tuple[str, tuple[str, ...]]
"""(measure, dimension set under which it is kept)"""


class Change(NamedTuple):
    """From ``end_ms`` on a window holds ``amount`` in one cell (0: nothing any more)."""

    end_ms: int
    source: Source
    component: str
    key: str
    amount: int


def final_end_ms(con: duckdb.DuckDBPyConnection, window: Window, topics: Iterable[str]) -> int:
    """Return the last end of a window that the slowest partition of some topics has passed."""
    sql = f"select min(watermark_ms) from closing where topic in ({texts(sorted(topics))})"  # noqa: S608
    watermark_ms = _one(con, sql) or 0
    if not window.calendar:
        return watermark_ms - watermark_ms % slide_ms(window)
    return _one(con, "select max(start_ms) from day where start_ms <= $1", watermark_ms) or 0


def slide_ms(window: Window) -> int:
    """Return the distance of a trailing window's ends, by the name of its rung."""
    return {"10s": 10_000, "1m": 60_000, "1h": 3_600_000}[window.rung]


def starts_by_end(con: duckdb.DuckDBPyConnection, window: Window) -> dict[int, int]:
    """Return the start of a calendar window for each of its ends around the log."""
    return dict(con.execute(statement("calendar", period=_PERIODS[window.name])).fetchall())


def series(
    con: duckdb.DuckDBPyConnection,
    sources: Mapping[Source, Measure],
    window: Window,
    final_ms: int,
    *,
    by_key: bool = False,
) -> Iterator[Change]:
    """Yield every change of window sums up to the last final end, in order of ends.

    Args:
        con: a recomputed log.
        sources: (measure, dimension set) -> the measure.
        window: whose sums.
        final_ms: the last final end.
        by_key: in order of sources and dimension values first.
    """
    order = list(sources)
    selects = [
        f"select end_ms, {number} as number, component, key, amount from ("  # noqa: S608
        f"{_statement(sources[source], source, window, final_ms)})"
        for number, source in enumerate(order)
    ]
    by = "number, key, end_ms" if by_key else "end_ms"
    found = con.cursor().execute(" union all ".join(selects) + f" order by {by}")
    while rows := found.fetchmany(_BATCH):
        for end_ms, number, component, key, amount in rows:
            yield Change(end_ms, order[number], component, key, amount)


def _statement(measure: Measure, source: Source, window: Window, final_ms: int) -> str:
    kind = "calendar" if window.calendar else "trailing"
    distinct = "_distinct" if measure.agg is Aggregation.DISTINCT else ""
    parts = {
        "measure": text(measure.name),
        "dimensions": text(",".join(source[1])),
        "final": str(final_ms),
    }
    if window.calendar:
        parts["period"] = _PERIODS[window.name]
    else:
        parts |= {"slide": str(slide_ms(window)), "size": str(window.size_ms)}
    return statement(f"series_{kind}{distinct}", **parts)


def _one(con: duckdb.DuckDBPyConnection, sql: str, *arguments: int) -> int | None:
    row = con.execute(sql, list(arguments)).fetchone()
    return None if row is None or row[0] is None else int(row[0])
