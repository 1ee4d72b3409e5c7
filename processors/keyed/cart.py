"""Carts: runs of cart activity that end in a purchase or time out.

::

    activity   a  a r     p        a   c                     a
    carts      |----------| closed |---|---- timeout ---->x  |--
                          purchased                       abandoned

The key is the cart's id, else the visitor's. What was concluded is recomputed from the few events
that are kept, so a late purchase takes its cart's abandonment back in the pane where it counted.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from processors import facts
from processors.event import AddToCart, Purchase, RemoveFromCart
from processors.getters import field_getter, interned
from processors.keyed.base import NEVER_MS, Emit, Processor

DIMENSIONS = ("source", "medium", "campaign", "device", "country", "landing_page", "currency")
_ACTIVITY, _PURCHASE = 0, 1


class Item(msgspec.Struct, array_like=True, order=True, gc=False):
    """One event of a cart; ``micro`` is what it adds to the cart's value."""

    ts: int
    offset: int
    kind: int
    micro: int
    dimensions: tuple[str | None, ...]


class CartState(msgspec.Struct, array_like=True):
    """A key's cart events that a late one can still touch, by (ts, offset).

    ``seen_ms`` is the watermark up to which timeouts were concluded.
    """

    key: str
    items: list[Item]
    seen_ms: int = 0
    due_ms: int = NEVER_MS


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """A closed cart: purchased at ``ts``, or abandoned then."""

    ts: int
    purchased: bool
    micro: int
    dimensions: tuple[str | None, ...]


class CartProcessor(Processor):
    """Keeps carts by cart id, else by visitor."""

    name: ClassVar[str] = "cart"
    state_type: ClassVar[type] = CartState
    keyed_by: ClassVar[frozenset[str]] = frozenset({"visitor_id"})
    takes_linked: ClassVar[bool] = True
    types: ClassVar[tuple[str, ...]] = (
        "add_to_cart",
        "remove_from_cart",
        "checkout_started",
        "purchase",
    )

    def __init__(self, *, timeout_ms: int, lateness_ms: int) -> None:
        self.timeout_ms = timeout_ms
        self.lateness_ms = lateness_ms
        self._dimensions: dict[type, Any] = {}

    def key(self, event: Any) -> str | None:
        """Return the cart: a backend's purchase belongs to none until it is handed over."""
        return (event.cart_id or event.visitor_id) if event.visitor_id else None

    def new(self, key: str) -> CartState:
        """Return a key without carts."""
        return CartState(key, [])

    def take(self, state: CartState, event: Any, offset: int, emit: Emit) -> None:
        """Add the event; emit what it closes, re-values or takes back."""
        item = self._item(event, offset)
        items = state.items
        if (
            items
            and item.kind == _ACTIVITY
            and items[-1].kind == _ACTIVITY
            and items[-1].ts <= item.ts < items[-1].ts + self.timeout_ms
            and state.seen_ms < items[-1].ts + self.timeout_ms
        ):
            items.append(item)  # the open cart goes on: nothing is concluded or taken back
            return
        before = self._outcomes(items, state.seen_ms)
        insort(items, item)
        self._emit_difference(before, self._outcomes(items, state.seen_ms), emit)
        state.due_ms = min(state.due_ms, item.ts + self.timeout_ms)

    def close(self, state: CartState, watermark_ms: int, emit: Emit) -> bool:
        """Time carts out; forget those that nothing can touch any more."""
        before = self._outcomes(state.items, state.seen_ms)
        self._emit_difference(before, self._outcomes(state.items, watermark_ms), emit)
        state.seen_ms = watermark_ms
        keep_ms = self.timeout_ms + self.lateness_ms
        runs = self._runs(state.items)
        state.items = [i for run in runs if run[-1].ts + keep_ms > watermark_ms for i in run]
        state.due_ms = NEVER_MS
        for run in runs:
            last = run[-1]
            timeout_ms = last.ts + self.timeout_ms
            pending = last.kind == _ACTIVITY and timeout_ms > watermark_ms
            if last.ts + keep_ms > watermark_ms:
                due_ms = timeout_ms if pending else last.ts + keep_ms
                state.due_ms = min(state.due_ms, due_ms)
        return bool(state.items)

    def _item(self, event: Any, offset: int) -> Item:
        kind = event.__class__
        getter = self._dimensions.get(kind)
        if getter is None:
            getter = self._dimensions[kind] = field_getter(kind, DIMENSIONS)
        micro = event.micro if kind is AddToCart else -event.micro if kind is RemoveFromCart else 0
        return Item(event.ts, offset, int(kind is Purchase), micro, interned(getter(event)))

    def _runs(self, items: list[Item]) -> list[list[Item]]:
        """Cut a key's events into carts: each run's last item is its purchase or last activity."""
        runs: list[list[Item]] = []
        run: list[Item] = []
        for item in items:
            if run and item.ts - run[-1].ts >= self.timeout_ms:
                runs.append(run)
                run = []
            run.append(item)
            if item.kind == _PURCHASE:
                runs.append(run)
                run = []
        if run:
            runs.append(run)
        return runs

    def _outcomes(self, items: list[Item], watermark_ms: int) -> list[Outcome]:
        outcomes = []
        for run in self._runs(items):
            first, last = run[0], run[-1]
            if last.kind == _PURCHASE:
                if len(run) == 1:
                    continue  # bought without a cart, or a further line of an order
                outcomes.append(Outcome(last.ts, True, 0, first.dimensions))
            elif last.ts + self.timeout_ms <= watermark_ms:
                micro = max(0, sum(item.micro for item in run))
                ts = last.ts + self.timeout_ms
                outcomes.append(Outcome(ts, False, micro, first.dimensions))
        return outcomes

    def _emit_difference(self, before: list[Outcome], after: list[Outcome], emit: Emit) -> None:
        difference = Counter(after)  # two carts may close alike at once: these are bags, not sets
        difference.subtract(before)
        for outcome, weight in difference.items():
            if weight:
                _conclude(outcome, weight, emit)


def _conclude(outcome: Outcome, weight: int, emit: Emit) -> None:
    struct = facts.CartPurchased if outcome.purchased else facts.CartAbandoned
    for conclude in (struct, facts.CartClosed):
        fact = _positional(conclude)(outcome.ts, weight, *outcome.dimensions)
        fact.micro = outcome.micro
        emit(fact)


def _positional(struct: type[facts.CartFact]) -> Callable[..., Any]:
    return struct  # DIMENSIONS are its fields after ts and weight, in order
