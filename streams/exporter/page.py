"""The page ``/metrics``: KPIs rendered once per change, the pipeline's health at every scrape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from prometheus_client.exposition import choose_encoder

from streams.exporter.families import kpi_families
from streams.exporter.health import exporter_families, kpi_health_families, pipeline_families

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client.core import Metric as Family
    from prometheus_client.registry import Collector

    from streams.exporter.board import Board
    from streams.exporter.follower import Follower

_END: Final = b"# EOF\n"  # closes the OpenMetrics format, and only that


class MetricsPage:
    """Renders what a follower knows, as text 0.0.4 or OpenMetrics.

    Args:
        follower: where the figures come from.
        values_max: dimension values shown per KPI, window and dimension set.
    """

    def __init__(self, follower: Follower, values_max: int) -> None:
        self._follower, self._values_max = follower, values_max
        self._kpis: dict[str, tuple[int, bytes]] = {}

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return the page, and its content type, in the format that the client accepts."""
        try:
            encode, content_type = choose_encoder(accept)
        except (TypeError, ValueError):  # a version that is no number
            encode, content_type = choose_encoder("")
        board = self._follower.board()
        found = self._kpis.get(content_type)
        if found is None or found[0] != board.revision:
            families = kpi_families(board, self._values_max)
            found = board.revision, _encoded(encode, families).removesuffix(_END)
            self._kpis = {content_type: found}
        return found[1] + _encoded(encode, self._health(board)), content_type

    def _health(self, board: Board) -> Iterator[Family]:
        now_ms = self._follower.clock_ms()
        targets = {m.id: m.target for m in board.catalog.metrics.values() if m.target}
        yield from kpi_health_families(board.freshness_ms(now_ms), targets)
        yield from pipeline_families(
            board.partitions, now_ms, board.catalog.defaults.allowed_lateness_ms
        )
        yield from exporter_families(
            stale=bool(self._follower.trouble()), update_age_ms=self._follower.update_age_ms
        )


class _Families:
    """Families as prometheus_client's encoders want them."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Family]:
        return self._families


def _encoded(encode: Callable[[Collector], bytes], families: Iterable[Family]) -> bytes:
    return encode(cast("Collector", _Families(families)))
