"""Measures into base panes, one event or fact type and dimension set at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from processors import names
from processors.catalog.model import Aggregation
from processors.catalog.requirements import budgets
from processors.histogram import BUCKET_BOUNDS_MS
from streams.verify.kinds import KIND_BY_FACT
from streams.verify.schema import EVENT_TYPES, IDENTITIES
from streams.verify.sql import column, statement, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import duckdb

    from processors.catalog.model import Bound, Catalog, Measure

_NO_FIELDS = frozenset({"", "value", "duration_ms", "visitor"})
_VISITOR = "coalesce(" + ", ".join(f"nullif({name}, '')" for name in IDENTITIES) + ")"


@dataclass(frozen=True)
class _Feed:
    """One event or fact type, and the measures and dimension sets that it feeds."""

    type: str
    measures: tuple[Measure, ...]
    sets: tuple[tuple[str, ...], ...]


def build_panes(con: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """Create ``base_cell``, ``base_member`` and the local days that they are in."""
    con.execute(statement("pane"))
    con.execute(
        "insert into bucket select unnest($1::bigint[]), unnest(range(1, len($1) + 1))",
        [list(BUCKET_BOUNDS_MS)],
    )
    limits = budgets(catalog)
    for feed in _feeds(catalog):
        _count(con, feed, catalog, limits)
    con.execute(statement("days", zone=catalog.ladder.zone))


def _feeds(catalog: Catalog) -> list[_Feed]:
    requirements = catalog.requirements.values()
    feeds = []
    for event_type in sorted({t for r in requirements for t in r.measure.events}):
        mine = [r for r in requirements if event_type in r.measure.events]
        sets = dict.fromkeys(s for r in mine for s in r.dimension_sets)
        feeds.append(_Feed(event_type, tuple(r.measure for r in mine), tuple(sets)))
    return feeds


def _count(
    con: duckdb.DuckDBPyConnection,
    feed: _Feed,
    catalog: Catalog,
    limits: Mapping[tuple[str, tuple[str, ...]], int],
) -> None:
    wanted = {name for s in feed.sets for name in s}
    wanted |= {name for m in feed.measures for name, _ in m.where}
    wanted |= {m.weights.field for m in feed.measures if m.weights}
    wanted |= {b.field for m in feed.measures for b in m.bounds}
    wanted |= {m.of for m in feed.measures}
    wanted -= _NO_FIELDS
    visitor = any(m.of == "visitor" for m in feed.measures)
    if feed.type in KIND_BY_FACT:
        fields = [_fact_field(feed.type, name) for name in sorted(wanted)]
        con.execute(statement("counted_fact", type=feed.type, fields=_appended(fields)))
    else:
        fields = [_event_field(feed.type, name) for name in sorted(wanted)]
        fields += [f"{_VISITOR} as visitor"] if visitor else []
        con.execute(statement("counted_event", type=feed.type, fields=_appended(fields)))
    kept = sorted(wanted | ({"visitor"} if visitor else set()))
    for dimensions in feed.sets:
        con.execute(
            statement(
                "labelled",
                budget=str(limits[feed.type, dimensions]),
                kept="".join(f"{column(name)}, " for name in kept),
                cleaned=", ".join(map(_clean, dimensions)),
                others=", ".join(map(_other, range(len(dimensions)), dimensions)),
            )
        )
        for measure in feed.measures:
            if dimensions in catalog.requirements[measure.name].dimension_sets:
                _add(con, measure, dimensions)


def _appended(fields: Iterable[str]) -> str:
    return "".join(f", {f}" for f in fields)


def _fact_field(fact: str, name: str) -> str:
    """A fact's dimension is its event's, where empty the fallback's; other fields it has none."""
    kind = KIND_BY_FACT[fact]
    if name in kind.own:
        return f"f.{column(name)}"
    if name not in kind.dimensions:
        return f"null::varchar as {column(name)}"
    return f"coalesce(nullif(a.{column(name)}, ''), b.{column(name)}) as {column(name)}"


def _event_field(event_type: str, name: str) -> str:
    """A field that the type does not have is absent."""
    if name in EVENT_TYPES[event_type].fields:
        return column(name)
    return f"null::varchar as {column(name)}"


def _clean(name: str) -> str:
    value = column(name)
    return (
        f"case when coalesce({value}, '') = '' then {text(names.NONE_VALUE)}"
        f" when length({value}) > {names.VALUE_LENGTH_MAX}"
        f" or regexp_matches({value}, '[\\x00-\\x1f\\x7f]') then {text(names.INVALID_VALUE)}"
        f" else {value} end"
    )


def _other(index: int, name: str) -> str:
    return f"labels[{index + 1}]" if name == "currency" else text(names.OTHER_VALUE)


def _add(con: duckdb.DuckDBPyConnection, measure: Measure, dimensions: tuple[str, ...]) -> None:
    where = " and ".join(
        [
            *(
                f"coalesce({column(name)} in ({texts(values)}), false)"
                for name, values in measure.where
            ),
            *map(_within, measure.bounds),
        ]
    )
    parts = {
        "measure": text(measure.name),
        "dimensions": text(",".join(dimensions)),
        "where": where or "true",
    }
    match measure.agg:
        case Aggregation.COUNT:
            con.execute(statement("pane_sum", amount=_weight(measure), **parts))
        case Aggregation.SUM:
            con.execute(statement("pane_sum", amount=_number(measure.of), **parts))
        case Aggregation.HISTOGRAM:
            con.execute(statement("pane_histogram", amount=column(measure.of), **parts))
        case Aggregation.DISTINCT:
            con.execute(statement("pane_distinct", member=column(measure.of), **parts))


def _number(field: str) -> str:
    """A field's integer: amounts in micro-units, as the recomputation keeps them."""
    if field == "value":
        return "micro"
    return column(field) if field == "duration_ms" else f"coalesce({column(field)}::bigint, 0)"


def _within(bound: Bound) -> str:
    number = "micro" if bound.field == "value" else f"{column(bound.field)}::bigint"
    low = [] if bound.low is None else [f"{number} >= {bound.low}"]
    high = [] if bound.high is None else [f"{number} <= {bound.high}"]
    return f"coalesce({' and '.join(low + high) or 'true'}, false)"


def _weight(measure: Measure) -> str:
    if measure.weights is None:
        return "1"
    cases = "".join(f" when {text(value)} then {n}" for value, n in measure.weights.by_value)
    return f"case {column(measure.weights.field)}{cases} else 1 end"
