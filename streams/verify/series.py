"""Window sums of the recomputation, as they change from end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from processors.catalog.model import Aggregation
from streams.verify.leaves import LAST_WEEK, PREVIOUS
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

_DAY_MS: Final = 86_400_000


class Source(NamedTuple):
    """What is read of one measure, as it is kept under one dimension set.

    Attributes:
        shift: ``previous`` or ``same_time_last_week``: of that window instead of the window.
        level: all since the beginning, up to that window's end.
        retained: of a distinct count: members of the window who are in the previous one too.
    """

    measure: str
    dimensions: tuple[str, ...]
    shift: str = ""
    level: bool = False
    retained: bool = False

    @property
    def stored(self) -> Source:
        """Whose cells these are."""
        return Source(self.measure, self.dimensions)


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
        sources: what is read -> its measure.
        window: whose sums.
        final_ms: the last final end.
        by_key: in order of dimension sets and values first.
    """
    order = list(sources)
    sets = {source.dimensions: number for number, source in enumerate(order)}
    alike: dict[tuple[str, str], list[int]] = {}  # what one statement can sum up
    for number, source in enumerate(order):
        alike.setdefault((_kind(sources[source], source), source.shift), []).append(number)
    places = ", ".join(str(sets[source.dimensions]) for source in order)
    selects = [
        f"select end_ms, number, [{places}][number + 1] as place, component, key, amount"  # noqa: S608
        f" from ({_statement(kind, [(n, order[n]) for n in numbers], window, final_ms)})"
        for (kind, _), numbers in alike.items()
    ]
    by = "place, key, end_ms" if by_key else "end_ms"
    found = con.cursor().execute(f"{' union all '.join(selects)} order by {by}")
    while rows := found.fetchmany(_BATCH):
        for end_ms, number, _, component, key, amount in rows:
            yield Change(end_ms, order[number], component, key, amount)


def _kind(measure: Measure, source: Source) -> str:
    """Return what is summed up how: the name of its SQL files, with a place for the window's."""
    if source.retained:
        return "retained_{}"
    if source.level:
        return "level_{}"
    return "{}_distinct" if measure.agg is Aggregation.DISTINCT else "{}"


def _statement(kind: str, sources: list[tuple[int, Source]], window: Window, final_ms: int) -> str:
    """Return the series of sources that differ in measure and dimension set only."""
    _, one = sources[0]
    wanted = ", ".join(
        f"({text(source.measure)}, {text(','.join(source.dimensions))}, {number})"
        for number, source in sources
    )
    parts = _dates(one, window) if window.calendar else _times(one, window)
    name = kind.format("calendar" if window.calendar else "trailing")
    return statement(f"series_{name}", wanted=wanted, final=str(final_ms), **parts)


def _times(source: Source, window: Window) -> dict[str, str]:
    """A shifted window sees a pane later; a week ago is told to the minute."""
    slide = slide_ms(window)
    if source.shift == LAST_WEEK:
        slide = max(slide, 60_000)
    shift = {PREVIOUS: window.size_ms, LAST_WEEK: 7 * _DAY_MS}.get(source.shift, 0)
    return {"slide": str(slide), "size": str(window.size_ms), "shift": str(shift)}


def _dates(source: Source, window: Window) -> dict[str, str]:
    """A shifted window sees a day on another date.

    The n-th day of a period is held against the n-th of the one before, where that has one: days
    that the next period does not have are never seen; by a level they are from the one after on.
    """
    period = _PERIODS[window.name]
    shift = PREVIOUS if source.retained else source.shift
    parts = {"period": period, "date": "date", "shown": "true"}
    if shift == LAST_WEEK:
        parts["date"] = "(date + 7)"
    if shift == PREVIOUS:
        first = f"cast(date_trunc('{period}', date) as date)"
        following = f"cast({first} + interval 1 {period} as date)"
        after = f"cast({following} + interval 1 {period} as date)"
        moved = f"({following} + cast(date - {first} as integer))"
        parts["date"] = f"least({moved}, {after})" if source.level else moved
        parts["shown"] = f"{moved} < {after}"
    return parts


def _one(con: duckdb.DuckDBPyConnection, sql: str, *arguments: int) -> int | None:
    row = con.execute(sql, list(arguments)).fetchone()
    return None if row is None or row[0] is None else int(row[0])
