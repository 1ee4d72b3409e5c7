"""Attribution: which touches a purchase is owed to.

::

    touches     click A      visit B             click A            (8 days later)
    purchases                          100                  50         70
    last                               B: 100               A: 50      -
    linear                             A: 50, B: 50         A: 16.67, B: 16.67, A: 16.66

A *touch* is each ``ad_click``, and each visit that a campaign or a social network brought: the
first event of a run of the visitor's events that name the same campaign (without one: the same
source and a social medium) without a gap of inactivity between them. Clicks of the campaign are
part of its run, so that a click and the page it leads to are one touch. A purchase is owed to
touches at or before it, by (ts, offset), of the look-back: to the last one, the first one or, in
equal shares, to all; of what does not divide the earlier ones get a micro-unit more.

A refund is taken off what its order's purchase was owed to: of those at or before it, less than the
refund horizon ago and owed to anything, the latest. It falls in its own pane, shared out alike. So
settled purchases stay known, with their touches, for that long.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import Any, ClassVar

import msgspec

from processors import facts
from processors.event import AdClick, Purchase, Refund
from processors.getters import field_getter, interned
from processors.keyed.base import NEVER_MS, Emit, Processor
from processors.keyed.marks import at, emit_difference
from processors.keyed.touches import Run, Touch, TouchState

DIMENSIONS = ("source", "medium", "campaign", "channel", "network", "ad", "placement")
_MARKED = frozenset({AdClick, Purchase})  # touches and conversions, whatever run they are of
_JOIN = "\x1f"


class Bought(msgspec.Struct, array_like=True, order=True, gc=False):
    """A purchase that late events can still give to another touch; or a refund, likewise."""

    ts: int
    offset: int
    micro: int
    currency: str
    order_id: str = ""


class Owed(msgspec.Struct, array_like=True, gc=False):
    """A purchase that no late event changes any more, and the touches that it is owed to."""

    ts: int
    offset: int
    order_id: str
    touches: list[Touch]


class AttributionState(TouchState, array_like=True):
    """A visitor's touches of the look-back, their latest purchases and refunds, and those owed."""

    purchases: list[Bought] = []  # noqa: RUF012  (msgspec copies it)
    refunds: list[Bought] = []  # noqa: RUF012
    owed: list[Owed] = []  # noqa: RUF012


class AttributionProcessor(Processor):
    """Keeps touches and purchases by visitor.

    Args:
        lookback_ms: how long before a purchase a touch may be.
        model: ``last``, ``first`` or ``linear``.
        gap_ms: inactivity after which the same campaign is a new touch.
        social_mediums: mediums that make a visit without a campaign a touch.
        lateness_ms: how late events may be.
        refund_horizon_ms: how long after its purchase a refund is taken off.
    """

    name: ClassVar[str] = "attribution"
    state_type: ClassVar[type] = AttributionState
    keyed_by: ClassVar[frozenset[str]] = frozenset({"visitor_id"})
    types: ClassVar[tuple[str, ...]] = (
        "page_view",
        "ad_click",
        "add_to_cart",
        "remove_from_cart",
        "checkout_started",
        "purchase",
        "refund",
        "goal_completed",
    )

    def __init__(
        self,
        *,
        lookback_ms: int,
        model: str,
        gap_ms: int,
        social_mediums: tuple[str, ...],
        lateness_ms: int,
        refund_horizon_ms: int,
    ) -> None:
        self.lateness_ms = lateness_ms
        self._refund_horizon_ms = refund_horizon_ms
        self._lookback_ms, self._model, self._gap_ms = lookback_ms, model, gap_ms
        self._social = frozenset(social_mediums)
        self._dimensions: dict[type, Any] = {}

    def key(self, event: Any) -> str | None:
        """Return the visitor of a purchase, refund, click or event that a campaign brought."""
        if (
            event.campaign
            or event.medium in self._social
            or event.__class__ is Purchase
            or event.__class__ is AdClick
            or event.__class__ is Refund
        ):
            return event.visitor_id or None
        return None

    def new(self, key: str) -> AttributionState:
        """Return a visitor whom nothing touched."""
        return AttributionState(key)

    def take(self, state: AttributionState, event: Any, offset: int, emit: Emit) -> None:
        """Add the event: as a touch if it is one, and as a purchase; or as a refund."""
        kind = event.__class__
        if kind is Refund:
            back = Bought(event.ts, offset, event.micro, event.currency, event.order_id)
            insort(state.refunds, back)
            for fact in self._given_back(state, [back]):
                emit(fact)
            state.due_ms = min(state.due_ms, event.ts + 1 + self.lateness_ms)
            return
        if kind not in _MARKED and self._only_goes_on(state, event):
            return
        given_back = self._given_back(state, state.refunds) if state.refunds else []
        is_click = kind is AdClick
        if is_click or event.campaign or event.medium in self._social:
            group = event.campaign or _JOIN.join(("", event.source or "", event.medium or ""))
            if is_click or not state.goes_on(group, event.ts, self._gap_ms):
                self._touch(state, event, offset, group, emit)
        if kind is Purchase:
            bought = Bought(event.ts, offset, event.micro, event.currency, event.order_id)
            insort(state.purchases, bought)
            credited = self._credited(state, bought)
            for fact in self._shares(bought, credited):
                emit(fact)
            self._convert(state, credited, emit)
            state.due_ms = min(state.due_ms, event.ts + 1 + self.lateness_ms)
        if state.refunds:  # a purchase, or a touch, that arrives late
            emit_difference(given_back, self._given_back(state, state.refunds), emit)

    def _only_goes_on(self, state: AttributionState, event: Any) -> bool:
        """Extend the latest run if an event of its campaign is all there is; tell whether it is."""
        if not state.runs or state.refunds:
            return False
        run, ts = state.runs[-1], event.ts
        if run.group != event.campaign or not run.end_ms <= ts < run.end_ms + self._gap_ms:
            return False
        run.end_ms = ts
        return True

    def _touch(
        self, state: AttributionState, event: Any, offset: int, group: str, emit: Emit
    ) -> None:
        """Add an event of a campaign's run, which may be a touch or end another's being one."""
        is_click = event.__class__ is AdClick
        ts = event.ts
        touch = Touch(ts, offset, is_click, self._dimensions_of(event))
        if state.is_last(ts) and (not state.purchases or state.purchases[-1].ts < ts):
            # The usual way: nothing comes after it, so no purchase can be owed to it yet.
            if not (is_click and state.goes_on(group, ts, self._gap_ms)):
                state.runs.append(Run(group, ts, offset, ts, is_click))
                state.due_ms = min(state.due_ms, ts + self._gap_ms + self.lateness_ms)
            state.touches.append(touch)
            emit(_fact(facts.TouchMade, touch, ts, 1))
            return
        gone, begins = state.joined(
            group, Run(group, event.ts, offset, event.ts, is_click), self._gap_ms
        )
        changed = [t for t in state.touches if at(t) in gone]
        made = [touch] if begins or is_click else []
        state.due_ms = min(state.due_ms, event.ts + self._gap_ms + self.lateness_ms)
        if not changed and not made:
            return
        times_ms = [t.ts for t in (*changed, *made)]
        affected = self._bought_between(state, min(times_ms), max(times_ms) + self._lookback_ms)
        before = {at(p): self._credited(state, p) for p in affected}
        for left in changed:
            state.touches.remove(left)
            emit(_fact(facts.TouchMade, left, left.ts, -1))
            if left.converted_ms is not None:
                emit(_fact(facts.TouchConverted, left, left.converted_ms, -1))
        for new in made:
            insort(state.touches, new)
            emit(_fact(facts.TouchMade, new, new.ts, 1))
        again: dict[tuple[int, int], Touch] = {}
        for purchase in affected:
            after = self._credited(state, purchase)
            was = before[at(purchase)]
            emit_difference(self._shares(purchase, was), self._shares(purchase, after), emit)
            again.update((at(t), t) for t in (*was, *after) if t not in changed)
        self._convert(state, list(again.values()), emit)

    def _convert(self, state: AttributionState, touches: list[Touch], emit: Emit) -> None:
        """Tell anew which purchase is the first that each of some touches led to."""
        for touch in touches:
            if touch.settled:
                continue
            first_ms = self._first_ms(state, touch)
            if first_ms != touch.converted_ms:
                if touch.converted_ms is not None:
                    emit(_fact(facts.TouchConverted, touch, touch.converted_ms, -1))
                if first_ms is not None:
                    emit(_fact(facts.TouchConverted, touch, first_ms, 1))
                touch.converted_ms = first_ms

    def _first_ms(self, state: AttributionState, touch: Touch) -> int | None:
        for purchase in self._bought_between(state, touch.ts, touch.ts + self._lookback_ms):
            credited = self._credited(state, purchase)
            if touch in credited:
                return purchase.ts
            if self._model == "last" and credited and at(credited[0]) > at(touch):
                return None  # another touch has come between: it has the rest
        return None

    def _bought_between(self, state: AttributionState, start_ms: int, end_ms: int) -> list[Bought]:
        bought = state.purchases
        first = bisect_left(bought, start_ms, key=lambda p: p.ts)
        return bought[first : bisect_right(bought, end_ms, key=lambda p: p.ts)]

    def _credited(self, state: AttributionState, purchase: Bought) -> list[Touch]:
        """Return the touches that a purchase is owed to, in order."""
        touches = state.touches
        end = bisect_right(touches, at(purchase), key=at)
        start = bisect_left(touches, purchase.ts - self._lookback_ms, key=lambda t: t.ts)
        if start >= end:
            return []
        match self._model:
            case "last":
                return [touches[end - 1]]
            case "first":
                return [touches[start]]
        return touches[start:end]

    def _given_back(self, state: AttributionState, refunds: list[Bought]) -> list[Any]:
        """Return what refunds take off, from the touches that their purchases are owed to."""
        return [
            fact
            for refund in refunds
            for fact in self._shares(
                refund, self._owed(state, refund), struct=facts.RefundAttributed
            )
        ]

    def _owed(self, state: AttributionState, refund: Bought) -> list[Touch]:
        """Return the touches of the latest purchase of the refund's order that has any."""
        after_ms = refund.ts - self._refund_horizon_ms

        def is_its(purchase: Bought | Owed) -> bool:
            is_before = at(purchase) <= at(refund) and purchase.ts > after_ms
            return purchase.order_id == refund.order_id and is_before

        for purchase in filter(is_its, reversed(state.purchases)):
            credited = self._credited(state, purchase)
            if credited:
                return credited
        return next((owed.touches for owed in filter(is_its, reversed(state.owed))), [])

    def _shares(
        self, purchase: Bought, credited: list[Touch], struct: Any = facts.PurchaseAttributed
    ) -> list[Any]:
        if not credited:
            return []
        share, left = divmod(purchase.micro, len(credited))
        found = []
        for number, touch in enumerate(credited):
            fact = _fact(struct, touch, purchase.ts, 1)
            fact.currency, fact.micro = purchase.currency, share + (number < left)
            found.append(fact)
        return found

    def close(self, state: AttributionState, watermark_ms: int, emit: Emit) -> bool:
        """Forget what no late event can change or be owed to."""
        del emit
        before_ms = watermark_ms - self.lateness_ms
        for touch in state.touches:
            if touch.converted_ms is not None and touch.converted_ms < before_ms:
                touch.settled = True
        self._settle(state, before_ms)
        state.forget(before_ms, gap_ms=self._gap_ms, lookback_ms=self._lookback_ms)
        times_ms = [p.ts + 1 for p in (*state.purchases[:1], *state.refunds[:1])]
        times_ms += [o.ts + self._refund_horizon_ms for o in state.owed[:1]]
        times_ms += [run.end_ms + self._gap_ms for run in state.runs]
        times_ms += [t.ts + self._lookback_ms + 1 for t in state.touches[:1]]
        state.due_ms = min(times_ms) + self.lateness_ms if times_ms else NEVER_MS
        return bool(times_ms)

    def _settle(self, state: AttributionState, before_ms: int) -> None:
        """Keep of what no late event changes any more what a refund can still be taken off."""
        state.owed += [
            Owed(p.ts, p.offset, p.order_id, credited)
            for p in state.purchases
            if p.ts < before_ms and (credited := self._credited(state, p))
        ]
        kept_ms = before_ms - self._refund_horizon_ms
        state.owed = [owed for owed in state.owed if owed.ts > kept_ms]
        state.purchases = [p for p in state.purchases if p.ts >= before_ms]
        state.refunds = [r for r in state.refunds if r.ts >= before_ms]

    def _dimensions_of(self, event: Any) -> tuple[str | None, ...]:
        getter = self._dimensions.get(event.__class__)
        if getter is None:
            getter = self._dimensions[event.__class__] = field_getter(event.__class__, DIMENSIONS)
        return interned(getter(event))


def _fact(struct: Any, touch: Touch, ts: int, weight: int) -> Any:
    return struct(ts, weight, *touch.dimensions, "click" if touch.click else "visit")
