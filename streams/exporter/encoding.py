"""The two formats of /metrics, as prometheus_client writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from prometheus_client.exposition import choose_encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client.core import Metric as Family
    from prometheus_client.registry import Collector


class Encoding:
    """Text 0.0.4, or OpenMetrics.

    Attributes:
        content_type: of the whole page.
        end: what the page ends with.
    """

    def __init__(self, encode: Callable[[Collector], bytes], content_type: str) -> None:
        self._encode, self.content_type = encode, content_type
        self.end = encode(cast("Collector", _Families(()))).decode()

    @classmethod
    def accepted(cls, accept: str) -> Encoding:
        """Return the format that a client accepts, by its ``Accept`` header."""
        try:
            return cls(*choose_encoder(accept))
        except (TypeError, ValueError):  # a version that is no number
            return cls(*choose_encoder(""))

    def text(self, families: Iterable[Family]) -> str:
        """Return families without the page's end."""
        return self._encode(cast("Collector", _Families(families))).decode().removesuffix(self.end)


class _Families:
    """Families as prometheus_client's encoders want them."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Family]:
        return self._families
