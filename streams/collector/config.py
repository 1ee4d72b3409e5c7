"""How a collector is set up."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from streams.settings import Settings

PREFIX = "collector_"


@dataclass(frozen=True)
class CollectorConfig:
    """The product's settings ``collector_<name>``, where they are explained and checked."""

    host: str = "127.0.0.1"
    port: int = 9465
    keys: str = ""
    spool: str = ""
    spool_bytes: int = 1 << 30
    identity_key: str = ""
    events_per_s: int = 50_000
    body_bytes: int = 4 << 20
    batch_events: int = 5_000
    requests: int = 512
    body_timeout_ms: int = 30_000
    away_after_ms: int = 5_000
    drain_timeout_ms: int = 20_000

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Take the collector's part of the settings."""
        return cls(**{field.name: getattr(settings, PREFIX + field.name) for field in fields(cls)})
