"""Orders: the first purchase of each order id, however many lines or repeats the order has."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from processors import facts
from processors.event import Purchase
from processors.getters import field_getter
from processors.keyed.base import NEVER_MS, Emit, Processor

DIMENSIONS = ("channel", "category", "product", "region", "source", "campaign", "currency")


class OrderState(msgspec.Struct, array_like=True, gc=False):
    """An order's first purchase by (ts, offset); ``ts`` is negative before there is one."""

    key: str
    ts: int = -1
    offset: int = -1
    dimensions: tuple[str | None, ...] = ()
    due_ms: int = NEVER_MS


class OrderProcessor(Processor):
    """Keeps the first purchase by order id.

    An order is known for twice the horizon: lines further apart than that are two orders.
    """

    name: ClassVar[str] = "order"
    types: ClassVar[tuple[str, ...]] = ("purchase",)

    def __init__(self, *, horizon_ms: int) -> None:
        self.lateness_ms = horizon_ms
        self._dimensions = field_getter(Purchase, DIMENSIONS)
        self._decoder = msgspec.msgpack.Decoder(OrderState)
        self._encoder = msgspec.msgpack.Encoder()

    def key(self, event: Any) -> str | None:
        """Return the order."""
        return event.order_id or None

    def new(self, key: str) -> OrderState:
        """Return an order without purchases."""
        return OrderState(key)

    def take(self, state: OrderState, event: Any, offset: int, emit: Emit) -> None:
        """Count the order at its first purchase; an earlier one that arrives late moves it."""
        if state.ts >= 0:
            if (event.ts, offset) >= (state.ts, state.offset):
                return
            emit(facts.OrderPlaced(state.ts, -1, *state.dimensions))
        state.ts, state.offset, state.dimensions = event.ts, offset, self._dimensions(event)
        state.due_ms = event.ts + 2 * self.lateness_ms
        emit(facts.OrderPlaced(state.ts, 1, *state.dimensions))

    def close(self, state: OrderState, watermark_ms: int, emit: Emit) -> bool:
        """Forget an order whose retention has passed."""
        del emit
        return state.due_ms > watermark_ms

    def encode(self, state: OrderState) -> bytes:
        """Encode as msgpack."""
        return self._encoder.encode(state)

    def decode(self, encoded: bytes) -> OrderState:
        """Decode from msgpack."""
        return self._decoder.decode(encoded)
