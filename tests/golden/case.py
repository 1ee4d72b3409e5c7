"""Reads golden cases and works their values out through the pipeline, however it is run.

A case's events have ``at``, a time since its start as H:MM[:SS], and may repeat with ``times``
(the same event published so often under ids of its own). Every partition is sealed three hours
after the last event, so that whatever times out has timed out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from processors import windows
from processors.catalog.model import Catalog, Metric, window
from processors.evaluate import Row, evaluate
from processors.event import TOPIC_BY_TYPE, record_key, tick_record
from processors.pipeline import compile_plan
from processors.slots import Tables, add_up, slot_runs, slots_of
from tests.simulation.store import DictTable
from tests.simulation.traffic import Log
from tests.simulation.world import Weather, run

FOLDER = Path(__file__).parent
START_MS = 1_704_067_200_000  # 2024-01-01T00:00:00Z
SEAL_MS = 3 * 3_600_000


@dataclass(frozen=True)
class Case:
    """One KPI's story: what happened, and what must be read."""

    kpi: str
    story: str
    events: list[dict[str, Any]]
    expect: list[dict[str, Any]]


def read_cases() -> dict[str, Case]:
    """Return every case by its file's name."""
    return {
        f"{path.stem}/{case.story}": case
        for path in sorted(FOLDER.glob("*.yaml"))
        for case in _read(path)
    }


def _read(path: Path) -> list[Case]:
    return [
        Case(path.stem, str(d["story"]), d["events"], d["expect"])
        for d in yaml.safe_load_all(path.read_text())
        if d
    ]


def at_ms(text: str | int) -> int:
    """Parse ``H:MM[:SS]`` since the case's start; YAML reads some of them as base-60 integers."""
    parts = [int(p) for p in str(text).split(":")]
    hours, minutes, seconds = (*parts, 0, 0)[:3]
    return START_MS + ((hours * 60 + minutes) * 60 + seconds) * 1000


def make_log(case: Case, partitions: int) -> Log:
    """Publish a case's events in the order in which they stand, as a producer would."""
    log: Log = {}
    last_ms, number = START_MS, 0
    for event in case.events:
        fields = {k: v for k, v in event.items() if k not in ("at", "times")}
        ts = at_ms(event["at"])
        last_ms = max(last_ms, ts)
        for _ in range(event.get("times", 1)):
            number += 1
            row = {"event_id": f"e{number}", **fields, "ts": ts}
            partition = sum((record_key(row) or "").encode()) % partitions
            records = log.setdefault((TOPIC_BY_TYPE[row["type"]], partition), [])
            records.append((len(records), max(ts, last_ms), json.dumps(row).encode()))
    for (_, partition), records in log.items():
        seal_ms = last_ms + SEAL_MS
        records.append((len(records), seal_ms, tick_record(seal_ms, partition)))
    return log


def rows(
    catalog: Catalog, case: Case, partitions: int, weather: Weather, seed: int
) -> list[Row | None]:
    """Run a case and read what it expects; one row per expectation, in its order.

    None stands for a row that must not be there (``absent: true``), and is not.
    """
    tables = run(compile_plan(catalog), make_log(case, partitions), weather, seed)
    metric = catalog.metrics[case.kpi]
    return [_row(catalog, metric, expected, tables) for expected in case.expect]


def _row(
    catalog: Catalog,
    metric: Metric,
    expected: Mapping[str, Any],
    tables: Mapping[tuple[str, int], DictTable],
) -> Row | None:
    read = window(expected["window"])
    values = {k: str(v) for k, v in expected.get("by", {}).items()}
    dimensions = next(d for d in metric.dimension_sets if set(d) == set(values))
    end_ms = at_ms(expected["end"])
    span = windows.Span(windows.window_start(read, end_ms, catalog.ladder), end_ms)
    tables_read = Tables()
    for slot in slots_of(metric):
        runs = slot_runs(slot, read, end_ms, catalog.ladder)
        tables_read[slot] = add_up(runs, {run: _panes(run, tables) for run in runs.all})
    found = evaluate(catalog, metric, read, dimensions, tables_read, span)
    stat = expected.get("stat", metric.stats[0])
    matching = [r for r in found if r.dimensions == values and r.stat == stat]
    if expected.get("absent"):
        assert not matching, f"{expected} has rows: {matching}"
        return None
    assert len(matching) == 1, f"{expected} has {len(matching)} rows among {found}"
    return matching[0]


def _panes(
    run: windows.Run, tables: Mapping[tuple[str, int], DictTable]
) -> list[dict[str, int | frozenset[int]]]:
    return [
        {cell: value}
        for table in tables.values()
        for source in (table.stored.rungs, table.stored.sketches)
        for (rung, pane, cell), value in source.items()  # type: ignore[attr-defined]
        if rung == run.rung and run.start_ms <= pane < run.end_ms
    ]
