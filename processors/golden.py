"""Golden cases: a KPI's story in events, and the values worked out for it by hand.

A case's events have ``at``, a time since its start as "H:MM[:SS]", and may repeat with ``times``
(the same event so often under ids of its own). Every partition is sealed three hours after the
last event, so that whatever times out has timed out.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from processors import windows
from processors.bundles import PASSED_ON, bundled
from processors.catalog.model import Window, window
from processors.catalog.scalars import did_you_mean
from processors.checkpoint import Claim
from processors.evaluate import evaluate
from processors.event import TICK_TYPE, TOPIC_BY_TYPE, record_key, tick_record
from processors.pipeline import PartitionPipeline, Plan, compile_plan
from processors.sketch import unpack
from processors.slots import Tables, add_up, slot_runs, slots_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from processors.catalog.model import Catalog, Metric
    from processors.evaluate import Row

START_MS: Final = 1_704_067_200_000  # 2024-01-01T00:00:00Z
SEAL_MS: Final = 3 * 3_600_000
FIGURES: Final = ("value", "numerator", "denominator", "samples")
EXPECTED: Final = ("window", "end", "by", "stat", "within", "absent", *FIGURES)
_ALL_RECORDS: Final = 1 << 40

Log = dict[tuple[str, int], list[tuple[int, int, bytes]]]
"""(topic, partition) -> (offset, timestamp ms, value)"""
Panes = list[dict[str, int | frozenset[int]]]


@dataclass(frozen=True)
class Case:
    """What happened, and what must be read of a KPI."""

    kpi: str
    story: str
    events: list[dict[str, Any]]
    expect: list[dict[str, Any]]


class CaseError(ValueError):
    """A case does not say what happens, or what must be read."""


def make_case(kpi: str, document: object) -> Case:
    """Check a case as YAML has it.

    Raises:
        CaseError: it is none.
    """
    if not isinstance(document, dict) or set(document) != {"story", "events", "expect"}:
        raise CaseError("a case has story, events and expect, nothing else")
    for part in ("events", "expect"):
        entries = document[part]
        if not (
            isinstance(entries, list) and entries and all(isinstance(e, dict) for e in entries)
        ):
            raise CaseError(f"{part}: must be a list of at least one entry {{field: value, ...}}")
    for number, event in enumerate(document["events"], 1):
        _check_event(number, event)
    for expected in document["expect"]:
        _check_expected(expected)
    return Case(kpi, str(document["story"]), document["events"], document["expect"])


def _check_event(number: int, event: Mapping[str, Any]) -> None:
    kind = event.get("type")
    if kind not in TOPIC_BY_TYPE or kind == TICK_TYPE:
        hint = did_you_mean(str(kind), set(TOPIC_BY_TYPE) - {TICK_TYPE})
        raise CaseError(f"event {number}: type: {kind!r}: no such event type; {hint}")
    at_ms(event.get("at"))
    times = event.get("times", 1)
    if type(times) is not int or times < 1:
        raise CaseError(f"event {number}: times: {times!r}: must be a whole number from 1")


def _check_expected(expected: Mapping[str, Any]) -> None:
    for name in expected:
        if name not in EXPECTED:
            raise CaseError(f"expect: {name}: no such field; {did_you_mean(name, EXPECTED)}")
    if not expected.get("absent") and not set(FIGURES) & set(expected):
        raise CaseError(f"expect: {expected}: name {', '.join(FIGURES)} or absent: true")
    at_ms(expected.get("end"))


def at_ms(text: object) -> int:
    """Parse "H:MM[:SS]" since the case's start.

    Raises:
        CaseError: it is something else; unquoted, YAML reads 1:30 as the number 90.
    """
    parts = text.split(":") if isinstance(text, str) else []
    if len(parts) not in (2, 3) or not all(part.isdecimal() for part in parts):
        raise CaseError(f'{text!r}: must be a time since the start, in quotes: "H:MM[:SS]"')
    hours, minutes, seconds = (*map(int, parts), 0)[:3]
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
            records.append((len(records), max(ts, last_ms), json.dumps(row, default=str).encode()))
    for (_, partition), records in log.items():
        seal_ms = last_ms + SEAL_MS
        records.append((len(records), seal_ms, tick_record(seal_ms, partition)))
    return log


class Outcome:
    """What one partition a topic comes to, where all that is passed on arrives at once.

    Raises:
        CaseError: an event would be a dead letter.
    """

    def __init__(self, plan: Plan, log: Log) -> None:
        self._cells: dict[str, dict[int, dict[str, int | frozenset[int]]]] = defaultdict(dict)
        self._plan = plan
        self._parts: dict[tuple[str, int], _Part] = {}
        for who, records in log.items():
            for _, recorded_ms, value in records[:-1]:
                self._read(who, recorded_ms, value)
        end_ms = max(records[-1][1] for records in log.values())
        for topic, number in sorted({*self._parts, *log}):
            self._read((topic, number), end_ms, tick_record(end_ms, number))
        for part in self._parts.values():
            self._keep(part)

    def panes(self, run: windows.Run) -> Panes:
        """Return the panes of a run."""
        panes = self._cells[run.rung].items()
        return [cells for pane, cells in panes if run.start_ms <= pane < run.end_ms]

    def _read(self, who: tuple[str, int], recorded_ms: int, value: bytes) -> None:
        """Read one record, and at once what it passes on: to the one partition of a topic."""
        part = self._parts.get(who)
        if part is None:
            part = self._parts[who] = _Part(_pipeline(self._plan, who[0]))
        batch = part.pipeline.decode([(part.records, recorded_ms, None, value)])
        part.records += 1
        for one in batch.rejections:
            raise CaseError(
                f"an event would be a dead letter: {one.reason}: {one.field}: {one.detail}: "
                f"{value.decode()}"
            )
        part.pipeline.apply(batch, {(p, i): None for p, ids in batch.missing.items() for i in ids})
        for passed in bundled(*who, batch.emissions):
            self._read((PASSED_ON[who[0]], 0), recorded_ms, passed)

    def _keep(self, part: _Part) -> None:
        part.pipeline.fire({})
        checkpoint = part.pipeline.drain(next_offset=part.records)
        if checkpoint is None:
            return
        for rung, deltas in checkpoint.rungs.items():
            for pane, cells in deltas.items():
                into = self._cells[rung].setdefault(pane, {})
                for cell, delta in cells.items():
                    into[cell] = into.get(cell, 0) + delta  # type: ignore[operator]
        for rung, sketches in checkpoint.sketches.items():
            for pane, packed in sketches.items():
                into = self._cells[rung].setdefault(pane, {})
                for cell, hashes in packed.items():
                    into[cell] = into.get(cell, frozenset()) | unpack(hashes)  # type: ignore[operator]


@dataclass
class _Part:
    """A partition and how many records it has read."""

    pipeline: PartitionPipeline
    records: int = 0


def _pipeline(plan: Plan, topic: str) -> PartitionPipeline:
    return PartitionPipeline(
        plan,
        Claim(1, 0, None, None, {}, {}),
        topic=topic,
        partition=0,
        dedup_horizon=_ALL_RECORDS,
        state_cache_max=_ALL_RECORDS,
    )


def check_case(catalog: Catalog, case: Case) -> list[str]:
    """Run a case in memory and say what is not as expected; nothing where all is.

    Raises:
        CaseError: the case asks for what there is not.
    """
    outcome = Outcome(compile_plan(catalog), make_log(case, 1))
    return faults(catalog, case, outcome.panes)


def faults(catalog: Catalog, case: Case, panes: Callable[[windows.Run], Panes]) -> list[str]:
    """Say what of a case is not as expected in stored panes, one line each.

    Raises:
        CaseError: the case asks for what there is not.
    """
    metric = catalog.metrics.get(case.kpi)
    if metric is None:
        hint = did_you_mean(case.kpi, catalog.metrics)
        raise CaseError(f"the file is named by its KPI, and there is no KPI {case.kpi!r}: {hint}")
    return [
        fault for expected in case.expect for fault in _faults(catalog, metric, expected, panes)
    ]


def _faults(
    catalog: Catalog,
    metric: Metric,
    expected: Mapping[str, Any],
    panes: Callable[[windows.Run], Panes],
) -> list[str]:
    values = {k: str(v) for k, v in (expected.get("by") or {}).items()}
    stat = expected.get("stat", metric.stats[0])
    found = _read_rows(catalog, metric, expected, panes)
    rows = [r for r in found if r.dimensions == values and r.stat == stat]
    by = "".join(f", {k}={v}" for k, v in values.items())
    where = f"{expected['window']} to {expected['end']}{by}, {stat}"
    if expected.get("absent"):
        return [f"{where}: there is a row, none is expected: value {rows[0].value}"] if rows else []
    if not rows:
        there = [", ".join(f"{k}={v}" for k, v in r.dimensions.items()) for r in found]
        return [f"{where}: there is no row; rows: {'; '.join(sorted(set(there))) or 'none'}"]
    return [
        f"{where}: {name} is {getattr(rows[0], name)}, expected {expected[name]}"
        for name in FIGURES
        if name in expected
        and not _agrees(
            getattr(rows[0], name), expected[name], expected.get("within") if name == "value" else 0
        )
    ]


def _agrees(found: object, wanted: object, within: object) -> bool:
    """Compare numbers as they are written: 0.08, not what a float makes of it."""
    if found is None or wanted is None:
        return found is wanted
    return abs(Decimal(str(found)) - Decimal(str(wanted))) <= Decimal(str(within or 0))


def _read_rows(
    catalog: Catalog,
    metric: Metric,
    expected: Mapping[str, Any],
    panes: Callable[[windows.Run], Panes],
) -> list[Row]:
    read = _window(metric, str(expected.get("window")))
    named = set(expected.get("by") or {})
    dimensions = next((d for d in metric.dimension_sets if set(d) == named), None)
    if dimensions is None:
        sets = "; ".join(", ".join(d) or "none" for d in metric.dimension_sets)
        raise CaseError(f"by: {metric.id} is not kept by {sorted(named)}: there is {sets}")
    stat = expected.get("stat", metric.stats[0])
    if stat not in metric.stats:
        raise CaseError(f"stat: {metric.id} has no {stat!r}: it has {', '.join(metric.stats)}")
    end_ms = at_ms(expected["end"])
    try:
        span = windows.Span(windows.window_start(read, end_ms, catalog.ladder), end_ms)
        tables = Tables()
        for slot in slots_of(metric):
            runs = slot_runs(slot, read, end_ms, catalog.ladder)
            tables[slot] = add_up(runs, {run: panes(run) for run in runs.all})
    except ValueError as error:
        raise CaseError(f"end: {expected['end']}: {error}") from None
    return evaluate(catalog, metric, read, dimensions, tables, span)


def _window(metric: Metric, name: str) -> Window:
    try:
        wanted = window(name)
    except ValueError:
        wanted = None
    if wanted not in metric.windows:
        names = ", ".join(w.name for w in metric.windows)
        raise CaseError(f"window: {metric.id} has no window {name!r}: it has {names}")
    return wanted
