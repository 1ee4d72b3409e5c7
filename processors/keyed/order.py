"""Orders: the first purchase of each order id, however many lines or repeats the order has.

::

    lines      p   p      p                                     p   p
    orders     |----------|---------- twice the horizon ------->|---|
               1                                                1

A number that comes back after so long is another order: a state that is kept for ever would never
be full.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from processors import facts
from processors.event import Purchase
from processors.getters import field_getter
from processors.keyed.base import NEVER_MS, Emit, Processor

DIMENSIONS = ("channel", "category", "product", "region", "source", "campaign", "currency")


class Lines(msgspec.Struct, array_like=True, gc=False):
    """An order: its first purchase by (ts, offset), and the time of its last."""

    ts: int
    offset: int
    last_ms: int
    dimensions: tuple[str | None, ...]


class OrderState(msgspec.Struct, array_like=True, gc=False):
    """The orders of one order id; there is more than one only where the id came back."""

    key: str
    orders: list[Lines] = []
    due_ms: int = NEVER_MS


class OrderProcessor(Processor):
    """Keeps orders by id.

    Args:
        horizon_ms: how late a purchase may be; lines twice as far apart are two orders.
    """

    name: ClassVar[str] = "order"
    state_type: ClassVar[type] = OrderState
    types: ClassVar[tuple[str, ...]] = ("purchase",)

    def __init__(self, *, horizon_ms: int) -> None:
        self.lateness_ms = horizon_ms
        self._dimensions = field_getter(Purchase, DIMENSIONS)

    def key(self, event: Any) -> str | None:
        """Return the order."""
        return event.order_id or None

    def new(self, key: str) -> OrderState:
        """Return an order without purchases."""
        return OrderState(key)

    def take(self, state: OrderState, event: Any, offset: int, emit: Emit) -> None:
        """Count the order at its first purchase; an earlier one that arrives late moves it."""
        ts, apart_ms = event.ts, 2 * self.lateness_ms
        if state.orders:
            last = state.orders[-1]
            if (last.ts, last.offset) <= (ts, offset) and ts < last.last_ms + apart_ms:
                last.last_ms = max(last.last_ms, ts)
                return
        joined = Lines(ts, offset, ts, self._dimensions(event))
        before = state.orders
        state.orders = []
        for order in before:
            if not order.ts - apart_ms < ts < order.last_ms + apart_ms:
                state.orders.append(order)
                continue
            emit(facts.OrderPlaced(order.ts, -1, *order.dimensions))
            if (order.ts, order.offset) < (joined.ts, joined.offset):
                joined.ts, joined.offset = order.ts, order.offset
                joined.dimensions = order.dimensions
            joined.last_ms = max(joined.last_ms, order.last_ms)
        state.orders.append(joined)
        state.orders.sort(key=lambda order: (order.ts, order.offset))
        emit(facts.OrderPlaced(joined.ts, 1, *joined.dimensions))
        state.due_ms = min(state.due_ms, joined.last_ms + apart_ms + self.lateness_ms)

    def close(self, state: OrderState, watermark_ms: int, emit: Emit) -> bool:
        """Forget orders that no line can join any more."""
        del emit
        kept_ms = 3 * self.lateness_ms
        state.orders = [order for order in state.orders if order.last_ms + kept_ms > watermark_ms]
        state.due_ms = min((o.last_ms + kept_ms for o in state.orders), default=NEVER_MS)
        return bool(state.orders)
