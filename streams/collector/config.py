"""How a collector is set up."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "collector_"


def _option(default: str | int, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class CollectorConfig:
    """The collector's own settings; each is the product's setting ``collector_<name>``."""

    host: str = _option("127.0.0.1", "address that the collector listens on")
    port: int = _option(9465, "port that the collector listens on; 0: a free one")
    keys: str = _option("", "file of the write keys; required where it is not on loopback")
    spool: str = _option("", "directory for events while Kafka is away; empty: they are refused")
    spool_bytes: int = _option(1 << 30, "how much may wait in the spool")
    identity_key: str = _option("", "secret; identities are replaced by a keyed hash of them")
    events_per_s: int = _option(50_000, "events that a key without a rate of its own may send")
    body_bytes: int = _option(4 << 20, "size of a request's body, uncompressed")
    batch_events: int = _option(5_000, "events in one request")
    requests: int = _option(512, "requests under way at once")
    body_timeout_ms: int = _option(30_000, "how long a client may take to send a body")
    away_after_ms: int = _option(5_000, "how long Kafka may take before it counts as away")
    drain_timeout_ms: int = _option(20_000, "how long requests under way may take at the end")

    @classmethod
    def load(cls, settings: object, flags: Mapping[str, Any]) -> Self:
        """Take what the flags say, else the product's settings, else the defaults."""
        values: dict[str, Any] = {}
        for option in fields(cls):
            fallback: Any = getattr(settings, PREFIX + option.name, option.default)
            flag = flags.get(PREFIX + option.name)
            found: Any = fallback if flag is None else flag
            values[option.name] = int(found) if isinstance(option.default, int) else str(found)
        return cls(**values)
