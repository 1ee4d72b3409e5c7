"""Measures into cells: what the events since the last checkpoint add to which pane."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from processors.admission import admission_scope
from processors.catalog.model import Aggregation
from processors.ladder import BASE_MS
from processors.measures.columns import Columns
from processors.measures.labels import Labels
from processors.measures.rows import sums
from processors.measures.sketches import Sketches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.admission import Admission
    from processors.checkpoint import PaneDeltas, PaneSketches
    from processors.ladder import Rung
    from processors.measures.labels import Labelled
    from processors.measures.plan import LanePlan, MeasurePlan, Reading
    from processors.measures.rows import Amounts, Mask, Numbers, Rows

ROWS_MAX: Final = 250_000  # kept of one type (some 10 MB) before they are added up
Dimensions = tuple[str, ...]


@dataclass
class Drained:
    """What was added since the last drain, by base pane and by rung."""

    base: PaneDeltas = field(default_factory=dict)
    rungs: dict[str, PaneDeltas] = field(default_factory=dict)
    base_sketches: PaneSketches = field(default_factory=dict)
    sketches: dict[str, PaneSketches] = field(default_factory=dict)
    overflow: int = 0


class Accumulator:
    """Adds events and facts up and hands the sums over at each checkpoint."""

    def __init__(self, plan: MeasurePlan, admission: Admission) -> None:
        self._plan, self._ladder = plan, plan.ladder
        self._admission = admission
        self._columns = {t: Columns(t, lanes) for t, lanes in plan.lanes.items()}
        self._labels: dict[tuple[str, str, Dimensions], Labels] = {}
        self._sketches = Sketches(plan.ladder)
        self._drained = Drained()
        self._targets: dict[tuple[int, int], list[dict[str, int]]] = {}

    @property
    def types(self) -> frozenset[str]:
        """Types that any measure reads."""
        return frozenset(self._columns)

    def add(self, event_type: str, events: Sequence[Any]) -> None:
        """Add events or facts of one type, in offset order."""
        columns = self._columns.get(event_type)
        if columns is None:
            return
        columns.add(events)
        if columns.rows >= ROWS_MAX:
            self._spread(event_type)

    def drain(self) -> Drained:
        """Return and forget everything added since the last drain."""
        for event_type in self._columns:
            self._spread(event_type)
        drained, self._drained = self._drained, Drained()
        self._targets.clear()
        return drained

    def _spread(self, event_type: str) -> None:
        """Add a type's rows up, by measure and dimension set."""
        rows = self._columns[event_type].take()
        if rows is None:
            return
        known: dict[tuple[str, Dimensions], tuple[Labels, Labelled]] = {}
        for lane in self._plan.lanes[event_type]:
            # An event that names no member is none of a distinct count's, nor are its labels.
            of = lane.of if lane.agg is Aggregation.DISTINCT else ""
            for reading in lane.readings:
                mask = rows.mask(lane, reading)
                for dimensions in reading.dimension_sets:
                    found = known.get((of, dimensions))
                    if found is None:
                        found = known[of, dimensions] = self._label(lane, of, dimensions, rows)
                    self._read(lane, reading, mask, *found, rows)

    def _label(
        self, lane: LanePlan, of: str, dimensions: Dimensions, rows: Rows
    ) -> tuple[Labels, Labelled]:
        """Put the values of a dimension set under their admitted labels.

        Values are admitted in the order of the type's events, not of those that one filter lets
        through.
        """
        at = (lane.type, of, dimensions)
        labels = self._labels.get(at)
        if labels is None:
            scope = admission_scope(lane.type, dimensions)
            labels = self._labels[at] = Labels(self._admission, scope, dimensions)
        only = np.sort(rows.members[of].rows) if of else None
        return labels, labels.label(rows, only)

    def _read(
        self,
        lane: LanePlan,
        reading: Reading,
        mask: Mask | None,
        labels: Labels,
        labelled: Labelled,
        rows: Rows,
    ) -> None:
        """Add up what one measure reads, in one dimension set."""
        codes, measure = labelled.codes, reading.measure.name
        if lane.agg is Aggregation.DISTINCT:
            of_row, hashes = rows.members[lane.of]
            if mask is not None:
                chosen = mask[of_row]
                of_row, hashes = of_row[chosen], hashes[chosen]
            codes = codes[of_row]
            self._note_overflow(labels, labelled, codes)
            cells = labels.cells(measure, "")
            drained = self._drained
            self._sketches.add(
                reading, labelled, cells, codes, hashes, drained.base_sketches, drained.sketches
            )
            return
        counts = lane.agg is Aggregation.COUNT
        amounts = rows.weights_of(lane, reading) if counts else rows.amounts_of(lane.of)
        codes, amounts = _chosen(mask, codes), _chosen(mask, amounts)
        self._note_overflow(labels, labelled, codes)
        component = ""
        if lane.agg is Aggregation.HISTOGRAM:
            component = "sum"
            buckets, weights = _chosen(mask, rows.buckets_of(lane.of)), _chosen(mask, rows.weights)
            self._count_buckets(reading, labels, labelled, codes, buckets, weights)
        self._emit(
            reading, labelled, labels.cells(measure, component),
            *sums(codes, labelled.size, amounts),
        )  # fmt: skip

    def _count_buckets(
        self,
        reading: Reading,
        labels: Labels,
        labelled: Labelled,
        codes: Numbers,
        buckets: Numbers,
        weights: Numbers | None,
    ) -> None:
        """Count by bucket of a histogram."""
        present, of_row = np.unique(buckets, return_inverse=True)
        for number, bucket in enumerate(present.tolist()):
            chosen = of_row == number
            found = sums(codes[chosen], labelled.size, None if weights is None else weights[chosen])
            cells = labels.cells(reading.measure.name, f"b{bucket}")
            self._emit(reading, labelled, cells, *found)

    def _note_overflow(self, labels: Labels, labelled: Labelled, codes: Numbers) -> None:
        others = labels.others
        if others:
            under = np.bincount(codes % labelled.labels, minlength=labelled.labels)
            self._drained.overflow += int(under[others].sum())

    def _emit(
        self,
        reading: Reading,
        labelled: Labelled,
        cells: list[str],
        codes: Numbers,
        amounts: Amounts,
    ) -> None:
        """Add sums by pane and label to the base and to the rungs."""
        at = -1
        targets: list[dict[str, int]] = []
        for code, amount in zip(codes.tolist(), amounts.tolist(), strict=True):
            pane, label = divmod(code, labelled.labels)
            if pane != at:
                at = pane
                targets = self._panes(labelled.first_pane + pane, reading.rungs)
            cell = cells[label]
            for target in targets:
                target[cell] = target.get(cell, 0) + amount

    def _panes(self, pane: int, rungs: tuple[Rung, ...]) -> list[dict[str, int]]:
        """Return what collects the sums of a base pane: its own cells, and those of each rung."""
        at = (pane, id(rungs))  # of a plan's readings, which live as long as this
        panes = self._targets.get(at)
        if panes is None:
            base_ms, drained = pane * BASE_MS, self._drained
            panes = self._targets[at] = [drained.base.setdefault(base_ms, {})]
            for rung in rungs:
                start = self._ladder.pane_start(rung, base_ms)
                panes.append(drained.rungs.setdefault(rung.name, {}).setdefault(start, {}))
        return panes


def _chosen(mask: Mask | None, column: Any) -> Any:
    return column if mask is None or column is None else column[mask]
