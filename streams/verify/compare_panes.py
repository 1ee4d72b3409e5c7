"""Every cell of every pane of one rung, held against the recomputation."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from processors.catalog.model import Aggregation
from processors.cells import cell_ref
from processors.names import Cell, cell_name
from processors.sketch import SKETCH_SIZE, estimate
from streams.verify.agree import count_agrees
from streams.verify.sql import statement, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    import duckdb

    from processors.catalog.model import Catalog
    from streams.tables.base import Cells, RungPanes

    Differs = Callable[[tuple[str, str], str, Any, Any], None]
    """Called with (measure, joined set), where, ours and the recomputation's."""

_BATCH: Final = 100_000


def compare_rung(
    con: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    rung: str,
    panes: RungPanes,
    differs: Differs,
    estimated: Callable[[float], None] = lambda _: None,
) -> Counter[tuple[str, str]]:
    """Compare all panes of a rung and return how many cells that were, by measure and set.

    ``estimated`` gets by what share each distinct count is off that is no exact one any more.

    Cells of measures that the catalogue does not require are passed over. Cells of amount 0 are
    as good as none: a fact that was taken back leaves them behind.
    """
    compared: Counter[tuple[str, str]] = Counter()
    measures = catalog.requirements.keys()
    left = dict(panes)
    for start_ms, expected in recomputed_panes(con, catalog, rung):
        pane = _Pane(rung, start_ms, left.pop(start_ms, {}), expected)
        _compare_pane(pane, measures, compared, differs, estimated)
    for start_ms, cells in sorted(left.items()):
        _compare_pane(_Pane(rung, start_ms, cells, {}), measures, compared, differs, estimated)
    return compared


def recomputed_panes(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, rung: str
) -> Iterator[tuple[int, dict[str, int]]]:
    """Yield the recomputed panes of one rung: (start, cell name -> amount), in order of starts."""
    measures = [name for name, r in catalog.requirements.items() if rung in r.rungs]
    distinct = {name for name in measures if catalog.measures[name].agg is Aggregation.DISTINCT}
    panes = "asof join day on base_ms >= day.start_ms" if rung == "1d" else ""
    start = "day.start_ms" if rung == "1d" else f"base_ms - base_ms % {_size_ms(rung)}"
    sums = statement(
        "rung", start=start, panes=f"base_cell {panes}", measures=texts(set(measures) - distinct)
    )
    members = statement(
        "rung_distinct", start=start, panes=f"base_member {panes}", measures=texts(distinct)
    )
    found = con.cursor().execute(
        f"select start_ms, measure, component, dimensions, key, amount from ({sums})"  # noqa: S608
        f" union all select start_ms, measure, '', dimensions, key, amount from ({members})"
        " order by start_ms"
    )
    for start_ms, rows in groupby(_rows(found), key=itemgetter(0)):
        yield start_ms, {_name(*row[1:5]): row[5] for row in rows}


def _rows(found: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := found.fetchmany(_BATCH):
        yield from rows


def _size_ms(rung: str) -> int:
    return {"10s": 10_000, "1m": 60_000, "1h": 3_600_000, "all": 1 << 53}[rung]


@lru_cache(maxsize=500_000)
def _name(measure: str, component: str, dimensions: str, key: str) -> str:
    names = tuple(dimensions.split(",")) if dimensions else ()
    return cell_name(Cell(measure, component, names, tuple(key.split("\x1f")) if names else ()))


class _Pane(NamedTuple):
    rung: str
    start_ms: int
    ours: Cells
    expected: Mapping[str, int]


def _compare_pane(
    pane: _Pane,
    measures: Collection[str],
    compared: Counter[tuple[str, str]],
    differs: Differs,
    estimated: Callable[[float], None],
) -> None:
    for name in pane.ours.keys() | pane.expected.keys():
        group = cell_ref(name).group
        if group[0] not in measures:
            continue
        compared[group] += 1
        amount, exact = pane.ours.get(name, 0), pane.expected.get(name, 0)
        if isinstance(amount, int):
            if amount == exact:
                continue
        else:
            amount = estimate(amount)
            if exact >= SKETCH_SIZE:
                estimated(abs(amount - exact) / exact)
            if count_agrees(amount, exact):
                continue
        where = f"pane {pane.rung} {pane.start_ms} {name.replace(chr(31), ' ')}"
        differs(group, where, amount, exact)
