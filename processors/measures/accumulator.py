"""Measures into cells: what the events since the last checkpoint add to which pane."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from processors import names
from processors.admission import admission_scope
from processors.catalog.model import Aggregation
from processors.ladder import BASE_MS, DAY_MS
from processors.measures.lane import Lane
from processors.measures.sent import SentMembers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.admission import Admission, Values
    from processors.checkpoint import PaneDeltas, PaneSketches
    from processors.ladder import Rung
    from processors.measures.grouped import TakenGroups
    from processors.measures.keys import ByPane
    from processors.measures.plan import LanePlan, MeasurePlan, Reading
    from processors.measures.sliced import TakenSlices


@dataclass
class Drained:
    """What the lanes added since the last drain, by base pane and by rung."""

    base: PaneDeltas
    rungs: dict[str, PaneDeltas]
    base_sketches: PaneSketches
    sketches: dict[str, PaneSketches]
    overflow: int


class Accumulator:
    """Adds events and facts up and hands the sums over at each checkpoint."""

    def __init__(self, plan: MeasurePlan, admission: Admission) -> None:
        self._ladder = plan.ladder
        self._admission = admission
        self._lanes = {t: tuple(map(Lane, lanes)) for t, lanes in plan.lanes.items()}
        self._cells: dict[tuple[str, str, Values, Values], str] = {}
        self._sent = SentMembers()

    @property
    def types(self) -> frozenset[str]:
        """Types that any measure reads."""
        return frozenset(self._lanes)

    def add(self, event_type: str, events: Sequence[Any]) -> None:
        """Add events or facts of one type, in offset order."""
        for lane in self._lanes.get(event_type, ()):
            lane.add(events)

    def drain(self) -> Drained:
        """Return and forget everything added since the last drain."""
        drained = Drained({}, {}, {}, {}, 0)
        for lanes in self._lanes.values():
            for lane in lanes:
                taken = lane.take()
                if taken is not None:
                    self._spread(lane.plan, taken, drained)
        return drained

    def _spread(self, plan: LanePlan, taken: TakenGroups | TakenSlices, drained: Drained) -> None:
        # Measures without a filter differ in nothing but the name.
        plain: dict[Values, ByPane] = {}
        admitted: set[Values] = set()  # dimension sets, of which every event was looked at
        for reading in plan.readings:
            for dimensions, positions in reading.dimension_sets:
                labelled = plain.get(dimensions) if reading.plain else None
                if labelled is None:
                    labelled = taken.amounts(reading, dimensions, positions)
                    if dimensions:
                        if not reading.plain and dimensions not in admitted:
                            self._admit(plan, dimensions, positions, taken)
                        admitted.add(dimensions)
                        labelled = self._label(plan, dimensions, labelled, drained)
                if reading.plain:
                    plain[dimensions] = labelled
                if plan.agg is Aggregation.DISTINCT:
                    self._emit_sketches(reading, dimensions, labelled, drained)
                else:
                    self._emit(reading, dimensions, labelled, drained)

    def _admit(
        self,
        plan: LanePlan,
        dimensions: Values,
        positions: tuple[int, ...],
        taken: TakenGroups | TakenSlices,
    ) -> None:
        """Admit in the order of the type's events, not of those that one filter lets through."""
        scope, labels = admission_scope(plan.type, dimensions), self._admission.labels
        for values in taken.seen(dimensions, positions):
            labels(scope, dimensions, values)

    def _label(
        self, plan: LanePlan, dimensions: Values, raw: ByPane, drained: Drained
    ) -> dict[tuple[int, Values], Any]:
        """Put raw dimension values under their admitted labels."""
        scope, labels = admission_scope(plan.type, dimensions), self._admission.labels
        labelled: dict[tuple[int, Values], Any] = {}
        for (pane, values), amount in raw.items():
            label = labels(scope, dimensions, values)
            if label[0] == names.OTHER_VALUE:
                drained.overflow += amount if isinstance(amount, int) else len(amount)
            found = labelled.get((pane, label))
            labelled[pane, label] = amount if found is None else _merged(plan.agg, found, amount)
        return labelled

    def _cell(self, measure: str, component: str, dimensions: Values, values: Values) -> str:
        known = (measure, component, dimensions, values)
        cell = self._cells.get(known)
        if cell is None:
            cell = names.cell_name(names.Cell(measure, component, dimensions, values))
            self._cells[known] = cell
        return cell

    def _emit(
        self, reading: Reading, dimensions: Values, labelled: ByPane, drained: Drained
    ) -> None:
        name = reading.measure.name
        histogram = reading.measure.agg is Aggregation.HISTOGRAM
        starts: dict[int, list[dict[str, int]]] = {}
        for (pane, values), amount in labelled.items():
            panes = starts.get(pane)
            if panes is None:
                panes = starts[pane] = self._panes(pane * BASE_MS, reading.rungs, drained)
            parts = amount.items() if histogram else (("", amount),)
            for component, delta in parts:
                if delta:
                    cell = self._cell(name, component, dimensions, values)
                    for cells in panes:
                        cells[cell] = cells.get(cell, 0) + delta

    def _panes(
        self, base_ms: int, rungs: tuple[Rung, ...], drained: Drained
    ) -> list[dict[str, int]]:
        panes = [drained.base.setdefault(base_ms, {})]
        for rung in rungs:
            start = self._ladder.pane_start(rung, base_ms)
            panes.append(drained.rungs.setdefault(rung.name, {}).setdefault(start, {}))
        return panes

    def _emit_sketches(
        self, reading: Reading, dimensions: Values, labelled: ByPane, drained: Drained
    ) -> None:
        name = reading.measure.name
        cells = {v: self._cell(name, "", dimensions, v) for v in {v for _, v in labelled}}
        level: dict[tuple[int, Values], set[bytes]] = {}
        finer_ms = BASE_MS
        for (pane, values), hashes in labelled.items():
            level[pane * BASE_MS, values] = hashes
            # Few come twice within a base pane: the table drops those.
            _append(drained.base_sketches, pane * BASE_MS, cells[values], hashes)
        for rung in reading.rungs:
            panes = drained.sketches.setdefault(rung.name, {})
            if rung.size_ms != BASE_MS:
                # What a pane was sent before, the coarser panes around it were sent too. But where
                # days begin within an hour, an hour's pane lies in two of them.
                if rung.size_ms == DAY_MS and self._lie_in_two(rung, level, finer_ms):
                    level = {(pane * BASE_MS, v): hashes for (pane, v), hashes in labelled.items()}
                level = {
                    (start, values): self._sent.fresh(rung.name, start, cells[values], hashes)
                    for (start, values), hashes in self._united(rung, level).items()
                }
            finer_ms = rung.size_ms
            for (start, values), hashes in level.items():
                if hashes:
                    _append(panes, start, cells[values], hashes)

    def _lie_in_two(
        self, rung: Rung, finer: dict[tuple[int, Values], set[bytes]], finer_ms: int
    ) -> bool:
        """Tell whether any finer pane begins in one pane of a rung and ends in the next."""
        start_of = self._ladder.pane_start
        return any(
            start_of(rung, start) != start_of(rung, start + finer_ms - 1)
            for start in {start for start, _ in finer}
        )

    def _united(
        self, rung: Rung, finer: dict[tuple[int, Values], set[bytes]]
    ) -> dict[tuple[int, Values], set[bytes]]:
        """Unite the members of finer panes by the panes of a rung around them."""
        starts = {start: self._ladder.pane_start(rung, start) for start in {s for s, _ in finer}}
        united: dict[tuple[int, Values], set[bytes]] = {}
        for (start, values), hashes in finer.items():
            at = (starts[start], values)
            found = united.get(at)
            if found is None:
                united[at] = set(hashes)
            else:
                found |= hashes
        return united


def _append(panes: PaneSketches, start_ms: int, cell: str, hashes: set[bytes]) -> None:
    pane = panes.setdefault(start_ms, {})
    packed = b"".join(hashes)
    before = pane.get(cell)
    pane[cell] = packed if before is None else before + packed


def _merged(agg: Aggregation, left: Any, right: Any) -> Any:
    match agg:
        case Aggregation.HISTOGRAM:
            both: Counter[str] = Counter(left)
            for name, delta in right.items():  # Counter's own + drops what is not positive
                both[name] += delta
            return both
        case Aggregation.DISTINCT:
            return left | right
    return left + right
