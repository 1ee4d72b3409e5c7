"""Tiny logs written by hand, and what the recomputation makes of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import duckdb

from processors.catalog.model import Aggregation, Catalog, Defaults, Measure, Requirement
from processors.ladder import Ladder
from processors.names import VISITOR
from streams.verify.log import append_log, create_log
from streams.verify.oracle import recompute

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streams.verify.log import LogRow

T0_MS = 1_700_000_000_000  # 2023-11-14 22:13:20 UTC, a whole base pane
SECOND_MS, MINUTE_MS, HOUR_MS = 1_000, 60_000, 3_600_000
RUNGS = ("10s", "1m", "1h", "1d")


def event(kind: str, at_ms: int, **fields: Any) -> dict[str, Any]:
    """Return an event ``at_ms`` after T0."""
    return {"type": kind, "ts": T0_MS + at_ms, **fields}


def tick(at_ms: int) -> dict[str, Any]:
    """Return a tick ``at_ms`` after T0."""
    return event("_tick", at_ms)


def log_of(
    events: Iterable[dict[str, Any] | bytes | None], topic: str = VISITOR, partition: int = 0
) -> list[LogRow]:
    """Return one partition's log: offsets from 0, event ids unless given, own times of writing."""
    rows: list[LogRow] = []
    for offset, one in enumerate(events):
        value, recorded_ms = one, T0_MS
        if isinstance(one, dict):
            content = {"event_id": f"{topic}-{partition}-{offset}", **one}
            recorded_ms = content.pop("recorded", content.get("ts", T0_MS))
            value = json.dumps(content).encode()
        if not isinstance(recorded_ms, int):
            recorded_ms = T0_MS
        rows.append((topic, partition, offset, recorded_ms, b"key", value))  # type: ignore[arg-type]
    return rows


def catalog_of(
    *measures: Measure,
    sets: Sequence[tuple[str, ...]] = ((),),
    zone: str = "UTC",
    **defaults: int,
) -> Catalog:
    """Return a catalogue that keeps these measures in every rung."""
    return Catalog(
        {m.name: m for m in measures},
        {},
        {m.name: Requirement(m, tuple(sets), RUNGS) for m in measures},
        replace(Defaults(), **defaults),
        Ladder(zone=zone),
    )


def count(*types: str, name: str = "") -> Measure:
    """Return the count of some types."""
    return Measure(name or types[0], types, Aggregation.COUNT)


def recomputed(
    rows: Iterable[LogRow], catalog: Catalog, dedup_horizon: int = 1_000
) -> duckdb.DuckDBPyConnection:
    """Return a connection with the log recomputed."""
    con = duckdb.connect()
    create_log(con)
    append_log(con, rows)
    recompute(con, catalog, dedup_horizon=dedup_horizon)
    return con


def facts_of(
    events: Iterable[dict[str, Any]], *wanted: str, topic: str = VISITOR, **defaults: int
) -> list[tuple[Any, ...]]:
    """Return (fact, ms after T0, duration ms, micro) of one partition's log, in order."""
    catalog = catalog_of(*map(count, wanted), **defaults)
    con = recomputed(log_of(events, topic), catalog)
    rows = con.execute(
        "select type, ts - $1, duration_ms, micro from fact"
        " where type in (select unnest($2)) and gone is null order by ts, type",
        [T0_MS, list(wanted)],
    )
    return rows.fetchall()


def faults_of(*events: dict[str, Any] | bytes | None, topic: str = VISITOR) -> list[str | None]:
    """Return each record's fault."""
    con = recomputed(log_of(events, topic), catalog_of(count("page_view")))
    return [row[0] for row in con.execute("select fault from judged order by off").fetchall()]


def cells_of(con: duckdb.DuckDBPyConnection, dimensions: str = "") -> list[tuple[Any, ...]]:
    """Return (measure, component, values, ms after T0, amount) of the base panes of one set."""
    return con.execute(
        "select measure, component, array_to_string(labels, ','), base_ms - $1, sum(amount)::bigint"
        " from base_cell where dimensions = $2 group by all order by all",
        [T0_MS, dimensions],
    ).fetchall()
