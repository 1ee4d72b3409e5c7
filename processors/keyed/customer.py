"""Customers: the first purchase ever of each, and what they spent soon after it.

::

    purchases   first ---- 10 ---- refund 5 ---- 20 |                 70
                |<---------- cohort window -------->|
                joined; 10 - 5 + 20 in its pane             70: spent, each in its own pane

Purchases reach this processor by way of an internal topic (processors/passing.py), from several
partitions that go on at their own pace. So nothing is ever too late for it, and time ties are
broken by event id and not by an offset that depends on who was faster.

A purchase earlier than the first one known moves the window, up to ``horizon_ms`` (years) later.
So every payment of the window is kept as long as the customer is, and there is a limit to them:
the cohort's figures count the first thousand of a customer's payments, wherever their window is.
That is a function of their set, as the law wants it: the first of a set are the first of any of its
parts that hold them. Nobody buys so often; who has more is everybody's id, such as "guest".
"""

from __future__ import annotations

from bisect import insort
from typing import Any, ClassVar, Final

import msgspec

from processors import facts
from processors.event import CustomerBought
from processors.getters import field_getter
from processors.keyed.base import NEVER_MS, Emit, Processor

PAYMENTS_MAX: Final = 1_000  # of a customer, the first: no customer is everybody's; 60 KB
DIMENSIONS = ("source", "segment", "region", "channel", "campaign", "country", "direction")


class Payment(msgspec.Struct, array_like=True, order=True, gc=False):
    """A purchase, or a refund with a negative amount."""

    ts: int
    event_id: str
    micro: int
    currency: str


class CustomerState(msgspec.Struct, array_like=True):
    """A customer's first purchase, and the payments that may lie in its cohort window, in order."""

    key: str
    first_ms: int = -1
    first_id: str = ""
    dimensions: tuple[str | None, ...] = ()
    payments: list[Payment] = []
    last_ms: int = 0
    due_ms: int = NEVER_MS


class CustomerProcessor(Processor):
    """Keeps customers by id.

    Args:
        horizon_ms: how late a purchase may be; a customer is known for twice that after the last.
        cohort_ms: payments so soon after the first purchase are the cohort's.
        payments_max: so many of a customer's payments, the first, may be the cohort's.
    """

    name: ClassVar[str] = "customer"
    state_type: ClassVar[type] = CustomerState
    keyed_by: ClassVar[frozenset[str]] = frozenset({"customer_id"})
    types: ClassVar[tuple[str, ...]] = ("_customer_bought",)

    def __init__(
        self, *, horizon_ms: int, cohort_ms: int, payments_max: int = PAYMENTS_MAX
    ) -> None:
        self.lateness_ms = horizon_ms
        self._payments_max = payments_max
        self._cohort_ms = cohort_ms
        self._dimensions = field_getter(CustomerBought, DIMENSIONS)

    def key(self, event: Any) -> str | None:
        """Return the customer."""
        return event.customer_id or None

    def new(self, key: str) -> CustomerState:
        """Return a customer who never bought."""
        return CustomerState(key)

    def take(self, state: CustomerState, event: Any, offset: int, emit: Emit) -> None:
        """Count a payment; an earlier first purchase takes the cohort's figures with it."""
        del offset
        dimensions = self._dimensions(event)
        emit(_paid(facts.CustomerSpent, event.ts, dimensions, event.currency, event.micro))
        payment = Payment(event.ts, event.event_id, event.micro, event.currency)
        is_known = state.first_ms >= 0
        if event.refund or (is_known and _at(payment) > (state.first_ms, state.first_id)):
            self._pay(state, payment, emit)
        else:
            self._join(state, -1, emit)
            state.first_ms, state.first_id = _at(payment)
            state.dimensions = dimensions
            insort(state.payments, payment)
            end_ms = event.ts + self._cohort_ms
            state.payments = [p for p in state.payments if p.ts < end_ms][: self._payments_max]
            self._join(state, 1, emit)
        state.last_ms = max(state.last_ms, event.ts)
        state.due_ms = state.last_ms + 2 * self.lateness_ms

    def _pay(self, state: CustomerState, payment: Payment, emit: Emit) -> None:
        """Add a payment to the cohort's figures if it is one of theirs, or may become one."""
        if state.first_ms >= 0 and payment.ts >= state.first_ms + self._cohort_ms:
            return  # the window can only move to an earlier time
        if len(state.payments) == self._payments_max and payment >= state.payments[-1]:
            return  # the first ones can only become earlier
        insort(state.payments, payment)
        if self._is_cohorts(state, payment):
            emit(_cohort(state, payment, 1))
        for other in state.payments[self._payments_max :]:
            if self._is_cohorts(state, other):
                emit(_cohort(state, other, -1))
        del state.payments[self._payments_max :]

    def _is_cohorts(self, state: CustomerState, payment: Payment) -> bool:
        return 0 <= state.first_ms <= payment.ts < state.first_ms + self._cohort_ms

    def _join(self, state: CustomerState, weight: int, emit: Emit) -> None:
        if state.first_ms < 0:
            return
        joined: Any = facts.CustomerJoined
        emit(joined(state.first_ms, weight, *state.dimensions))
        for payment in state.payments:
            if self._is_cohorts(state, payment):
                emit(_cohort(state, payment, weight))

    def close(self, state: CustomerState, watermark_ms: int, emit: Emit) -> bool:
        """Forget a customer whose horizon has passed."""
        del emit
        return state.due_ms > watermark_ms


def _at(payment: Payment) -> tuple[int, str]:
    return payment.ts, payment.event_id


def _paid(
    struct: Any, ts: int, dimensions: tuple[str | None, ...], currency: str, micro: int
) -> Any:
    fact = struct(ts, 1, *dimensions)
    fact.currency, fact.micro = currency, micro
    return fact


def _cohort(state: CustomerState, payment: Payment, weight: int) -> Any:
    fact = _paid(
        facts.CustomerCohortSpent,
        state.first_ms,
        state.dimensions,
        payment.currency,
        payment.micro,
    )
    fact.weight = weight
    return fact
