"""The figures at hand: window sums that follow the tables, evaluated only when somebody looks.

::

    snapshot ─> load ──┐
    deltas  ─> apply ──┴─> window sums ──(advance to now and watermarks)──> rows, on request

Applying costs what changed; rows are worked out again only when something that they read changed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from processors.catalog.requirements import topics_of
from processors.catalog.versions import NOTHING_CHANGED
from processors.evaluate import evaluate
from processors.reading import target_of
from processors.sliding import SlidingSums
from streams.exporter.horizon import (
    is_complete,
    is_counted,
    kept_from_ms,
    reached_ms,
    read_from_ms,
    watermark_ms,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processors.catalog.model import Catalog, Metric, Window
    from processors.catalog.versions import Kept
    from processors.evaluate import Row
    from processors.slots import Tables
    from processors.windows import Span
    from streams.tables.base import (
        Delta,
        PartitionId,
        PartitionSnapshot,
        Position,
        Progress,
        RungPanes,
    )

    _State = tuple[Span, tuple[int, ...]]
    _Asked = tuple[str, str, tuple[str, ...], bool]

ROWS_KEPT_MAX = 2  # numbers of values for which a KPI's rows are kept: the page's, and one more


class Board:
    """Everything that is known of one namespace since one snapshot.

    Attributes:
        partitions: how far each partition is.
        revision: grows with every change that a reader could see.
    """

    def __init__(self, catalog: Catalog, kept: Kept = NOTHING_CHANGED) -> None:
        self.catalog = catalog
        self._kept = kept
        self.partitions: dict[PartitionId, Progress] = {}
        self.revision = 0
        self.topics = {m.id: topics_of(m, catalog.measures) for m in catalog.metrics.values()}
        self._sums = SlidingSums(catalog)
        self._loaded_from_ms: dict[str, int] = {}
        self._now_ms = 0
        self._read_from: dict[tuple[str, str, bool], tuple[int, dict[str, int]]] = {}
        self._rows: dict[_Asked, dict[int | None, tuple[_State, list[Row]]]] = {}

    @property
    def positions(self) -> dict[PartitionId, Position]:
        """Where to follow on from."""
        return {who: seen.position for who, seen in self.partitions.items()}

    def needs(self, partitions: Mapping[PartitionId, Progress], now_ms: int) -> dict[str, int]:
        """Return rung -> the first pane start (ms) that a snapshot must hold."""
        return self._sums.needs(now_ms, self._watermarks(partitions))

    def begin(
        self, partitions: Mapping[PartitionId, Progress], since_ms: Mapping[str, int], now_ms: int
    ) -> None:
        """Say what :meth:`load` will bring, on an empty board: windows are placed for it.

        Args:
            partitions: as they were in their snapshots.
            since_ms: rung -> the first pane start (ms) in the snapshots.
            now_ms: the wall clock.
        """
        self.partitions = dict(partitions)
        self._loaded_from_ms = dict(since_ms)
        self.advance(now_ms)

    def load(self, rung: str, panes: RungPanes) -> None:
        """Add panes of a snapshot."""
        self._sums.load(rung, panes)
        self.revision += 1

    def add_partition(self, who: PartitionId, snapshot: PartitionSnapshot) -> None:
        """Add a partition that is not on the board yet."""
        for rung, panes in snapshot.rungs.items():
            self._sums.load(rung, panes)
        self.partitions[who] = snapshot.progress
        self.revision += 1

    def apply(self, delta: Delta, now_ms: int) -> None:
        """Add what one checkpoint changed."""
        self._sums.add(delta.base)
        seen = self.partitions[delta.id]
        self.partitions[delta.id] = replace(
            seen,
            epoch=delta.epoch,
            number=delta.position.number,
            writer=delta.position.writer,
            offset=delta.offset,
            max_ts_ms=delta.max_ts_ms,
            written_ms=now_ms,
            counters=dict(Counter(seen.counters) + Counter(delta.counters)),
        )
        self.revision += 1

    def refresh_kept(self, partitions: Mapping[PartitionId, Progress]) -> None:
        """Take over which panes have been deleted: deltas do not tell."""
        for who, seen in partitions.items():
            known = self.partitions.get(who)
            if known is not None and known.kept_from_ms != seen.kept_from_ms:
                self.partitions[who] = replace(known, kept_from_ms=seen.kept_from_ms)
                self.revision += 1

    def advance(self, now_ms: int) -> None:
        """Move every window's end on; a clock set back moves nothing."""
        self._now_ms = max(now_ms, self._now_ms)
        if self._sums.advance(self._now_ms, self._watermarks(self.partitions)):
            self.revision += 1

    @property
    def whole(self) -> bool:
        """Whether all panes of all windows are there; if not, a new snapshot is needed.

        A final end can appear, or fall, behind what was loaded: when a partition has its first
        record, or is new.
        """
        wanted = self.needs(self.partitions, self._now_ms)
        return self._sums.whole and all(
            since_ms >= self._loaded_from_ms.get(rung, since_ms)
            for rung, since_ms in wanted.items()
        )

    def rows(
        self,
        metric: Metric,
        window: Window,
        dimensions: tuple[str, ...],
        *,
        final: bool,
        values_max: int | None = None,
    ) -> list[Row]:
        """Return a KPI's rows as of the last :meth:`advance`; none while it has no end.

        Args:
            metric: the KPI.
            window: one of its windows.
            dimensions: one of its dimension sets.
            final: whether the window ends at the watermark.
            values_max: only so many dimension values, those with the most samples.
        """
        span = self._span(metric, window, final=final)
        if span is None:
            return []
        if not self.counted(metric, window, dimensions, span.end_ms):
            span = replace(span, complete=False)
        kept = self._rows.setdefault((metric.id, window.name, dimensions, final), {})
        state = (span, self._sums.changes(metric, window, final=final))
        found = kept.get(values_max)
        if found is not None and found[0] == state:
            return found[1]
        rows: list[Row] = []
        tables = self.tables(metric, window, final=final)
        if tables is not None:
            rows = evaluate(
                self.catalog, metric, window, dimensions, tables, span, values_max=values_max
            )
        if values_max not in kept and len(kept) >= ROWS_KEPT_MAX:
            del kept[next(iter(kept))]
        kept[values_max] = state, rows
        return rows

    def tables(self, metric: Metric, window: Window, *, final: bool) -> Tables | None:
        """Return the cells behind a KPI's rows by slot; None while it has no end."""
        return self._sums.tables(metric, window, final=final)

    def _span(self, metric: Metric, window: Window, *, final: bool) -> Span | None:
        span = self._sums.span(metric, window, final=final)
        if span is None:
            return None
        return replace(
            span,
            complete=self._complete(metric, window, span.end_ms, final=final),
            # It moves with every checkpoint, and only what matures looks at it.
            watermark_ms=span.watermark_ms if metric.matures_ms else None,
        )

    def counted(
        self, metric: Metric, window: Window, dimensions: tuple[str, ...], end_ms: int
    ) -> bool:
        """Tell whether all that a window reads was already counted when it began."""
        if not self._kept.generations:
            return True
        return is_counted(
            self.catalog,
            self._kept,
            self.partitions,
            (metric, window, dimensions),
            read_from_ms(metric, window, end_ms, self.catalog.ladder),
        )

    def _complete(self, metric: Metric, window: Window, end_ms: int, *, final: bool) -> bool:
        kept_from = kept_from_ms(self.partitions, self.topics[metric.id])
        if not kept_from:
            return True
        key = (metric.id, window.name, final)
        found = self._read_from.get(key)
        if found is None or found[0] != end_ms:
            found = end_ms, read_from_ms(metric, window, end_ms, self.catalog.ladder)
            self._read_from[key] = found
        return is_complete(found[1], kept_from)

    def targets(self) -> dict[str, float]:
        """Return KPI -> its target: the last one set for all of it, else the catalogue's."""
        cells = self._sums.ever()
        return {
            metric.id: value
            for metric in self.catalog.metrics.values()
            if (value := target_of(metric, cells)) is not None
        }

    def freshness_ms(self, now_ms: int) -> dict[str, int]:
        """Return KPI -> how far its slowest partition's event time lies back."""
        reached = {topics: reached_ms(self.partitions, topics) for topics in self.topics.values()}
        return {
            kpi: now_ms - ts
            for kpi, topics in self.topics.items()
            if (ts := reached[topics]) is not None
        }

    def _watermarks(self, partitions: Mapping[PartitionId, Progress]) -> dict[str, int]:
        lateness_ms = self.catalog.defaults.allowed_lateness_ms
        found = {
            topic: watermark_ms(partitions, {topic}, lateness_ms)
            for topic in {who.topic for who in partitions}
        }
        return {topic: watermark for topic, watermark in found.items() if watermark is not None}
