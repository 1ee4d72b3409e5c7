"""The page ``/metrics``: KPIs written once per change, the pipeline's health at every scrape."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streams.exporter.distribution import distribution_family, is_histogram
from streams.exporter.encoding import Encoding
from streams.exporter.health import exporter_families, kpi_health_families, pipeline_families
from streams.exporter.inputs import input_families
from streams.exporter.series import KpiSeries
from streams.exporter.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric as Family

    from processors.catalog.model import Metric
    from streams.exporter.board import Board
    from streams.exporter.follower import Follower


class MetricsPage:
    """Writes what a follower knows, as text 0.0.4 or OpenMetrics.

    Args:
        follower: where the figures come from.
        values_max: dimension values shown per KPI, window and dimension set.
    """

    def __init__(self, follower: Follower, values_max: int) -> None:
        self._follower, self._values_max = follower, values_max
        self._series = {
            (metric.id, final): KpiSeries(metric, final=final)
            for metric in follower.catalog.metrics.values()
            for final in (False, True)
        }
        self._written = ("", -1, b"")
        self._writing = asyncio.Lock()

    async def render(self, accept: str) -> tuple[bytes, str]:
        """Return the page, and its content type, in the format that the client accepts."""
        encoding = Encoding.accepted(accept)
        async with self._writing:
            board = self._follower.board()
            if self._written[:2] != (encoding.content_type, board.revision):
                revision = board.revision  # what comes while it is written is written next time
                body = await self._kpis(board, encoding)
                self._written = (encoding.content_type, revision, body)
            kpis = self._written[2]
        health = encoding.text(self._health(board)) + encoding.end
        return kpis + health.encode(), encoding.content_type

    async def _kpis(self, board: Board, encoding: Encoding) -> bytes:
        turns, page = Turns(), list[str]()
        for metric in board.catalog.metrics.values():
            for final in (False, True):
                page += self._kpi(board, metric, encoding, final=final)
                await turns.pause()
        return "".join(page).encode()

    def _kpi(self, board: Board, metric: Metric, encoding: Encoding, *, final: bool) -> list[str]:
        rows = [
            row
            for window in metric.windows
            for dimensions in metric.dimension_sets
            for row in board.rows(
                metric, window, dimensions, final=final, values_max=self._values_max
            )
        ]
        page = self._series[metric.id, final].page(rows, encoding)
        if rows and is_histogram(board.catalog, metric):
            page.append(encoding.text((distribution_family(board, metric, final=final),)))
        return page

    def _health(self, board: Board) -> Iterator[Family]:
        now_ms = self._follower.clock_ms()
        yield from kpi_health_families(board.freshness_ms(now_ms), board.targets())
        yield from input_families(board, now_ms)
        yield from pipeline_families(
            board.partitions, now_ms, board.catalog.defaults.allowed_lateness_ms
        )
        yield from exporter_families(
            stale=bool(self._follower.trouble()), update_age_ms=self._follower.update_age_ms
        )
