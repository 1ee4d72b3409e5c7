"""Attribution: which touches a purchase is owed to, exactly."""

from __future__ import annotations

from typing import Any

import pytest

from processors.keyed.attribution import AttributionProcessor
from tests.processors.keyed.run import MINUTE_MS, conclude, event, every_order, only

DAY = 24 * 60


def attribution(model: str) -> AttributionProcessor:
    return AttributionProcessor(
        lookback_ms=7 * DAY * MINUTE_MS,
        model=model,
        gap_ms=30 * MINUTE_MS,
        social_mediums=("social",),
        lateness_ms=60 * MINUTE_MS,
        refund_horizon_ms=30 * DAY * MINUTE_MS,
    )


def click(minute: float, campaign: str, **fields: Any) -> Any:
    return event("ad_click", minute, campaign=campaign, **fields)


def page(minute: float, **fields: Any) -> Any:
    return event("page_view", minute, **fields)


def purchase(minute: float, micro: int = 100, **fields: Any) -> Any:
    money: dict[str, Any] = {"order_id": "o", "value": 1, "currency": "EUR", "micro": micro}
    return event("purchase", minute, **money, **fields)


def refund(minute: float, micro: int, **fields: Any) -> Any:
    money: dict[str, Any] = {"order_id": "o", "value": 1, "currency": "EUR", "micro": micro}
    return event("refund", minute, **money | fields)


def shares(model: str, events: list[Any]) -> dict[tuple[float, str | None], int]:
    """Return (minute, campaign) -> micro-units that are attributed, or negative: taken off."""
    processor = attribution(model)
    facts: list[Any] = []
    state = processor.new("v")
    for offset, one in enumerate(events):
        processor.take(state, one, offset, facts.append)
    found: dict[tuple[float, str | None], int] = {}
    for fact in facts:
        sign = {"PurchaseAttributed": 1, "RefundAttributed": -1}.get(type(fact).__name__)
        if sign:
            known = fact.ts / MINUTE_MS, fact.campaign
            found[known] = found.get(known, 0) + sign * fact.weight * fact.micro
    return {known: n for known, n in found.items() if n}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("last", {(50, "b"): 100}),
        ("first", {(50, "a"): 100}),
        # 100 / 3: of what does not divide, the earliest touch gets one more.
        ("linear", {(50, "a"): 34, (50, "c"): 33, (50, "b"): 33}),
    ],
)
def test_models_share_a_purchase_out(model: str, expected: dict[Any, int]) -> None:
    """Last, first or all alike; shares add up to the purchase, in any order of arrival.

    minute   0: click a    10: click c    40: visit b    50: purchase    60: click d
    """
    events = [click(0, "a"), click(10, "c"), page(40, campaign="b"), purchase(50), click(60, "d")]
    for order in every_order(events):
        assert shares(model, order) == expected


def test_click_and_the_visit_it_leads_to_are_one_touch() -> None:
    """Events of a campaign within the gap of one another belong to one touch, at the first.

    minute   0: click a   1: page a   29: page a    58.9: page a    88.9: page a
             touch        |- the same ----------------|             touch
    """
    events = [click(0, "a"), page(1, campaign="a"), page(29, campaign="a")]
    events += [page(58.9, campaign="a"), page(88.9, campaign="a")]
    for order in every_order(events):
        made = only(conclude(attribution("last"), order), "touch_made")
        assert made == {("touch_made", 0): 1, ("touch_made", 88.9): 1}


def test_every_click_is_a_touch() -> None:
    """Two clicks within the gap are two touches; a visit between them is none."""
    events = [click(0, "a"), page(1, campaign="a"), click(2, "a")]
    for order in every_order(events):
        made = only(conclude(attribution("last"), order), "touch_made")
        assert made == {("touch_made", 0): 1, ("touch_made", 2): 1}


def test_social_visits_are_touches_and_others_are_not() -> None:
    """A social medium makes a visit without a campaign a touch; a search or nothing does not."""
    processor = attribution("last")
    assert processor.key(page(0, medium="social", source="x")) == "v"
    assert processor.key(page(0, medium="organic")) is None
    assert processor.key(page(0)) is None
    assert shares("last", [page(0, medium="social", source="x"), purchase(5)]) == {(5, None): 100}
    assert shares("last", [purchase(5)]) == {}


def test_look_back_is_seven_days_and_nothing_after_the_purchase_counts() -> None:
    """A touch of exactly seven days before still counts; one millisecond more does not."""
    near, far = 7 * DAY, 7 * DAY + 1 / MINUTE_MS
    assert shares("last", [click(0, "a"), purchase(near)]) == {(near, "a"): 100}
    assert shares("last", [click(0, "a"), purchase(far)]) == {}
    assert shares("first", [purchase(0), click(1, "a")]) == {}


def test_a_purchase_names_its_own_campaign() -> None:
    """Where nothing came before, the campaign that the purchase itself names brought it."""
    assert shares("last", [purchase(3, campaign="a")]) == {(3, "a"): 100}


def test_a_touch_converts_once_at_the_first_purchase_it_is_owed() -> None:
    """Several purchases after a click are one conversion, at the earliest of them.

    minute   0: click a    5: purchase    9: purchase    10: click b    11: purchase
                           a converts                                   b converts
    """
    events = [click(0, "a"), purchase(5), purchase(9), click(10, "b"), purchase(11)]
    expected = {("touch_converted", 5): 1, ("touch_converted", 11): 1}
    for order in every_order(events):
        assert only(conclude(attribution("last"), order), "touch_converted") == expected


@pytest.mark.parametrize(
    ("model", "taken_off"),
    [("last", {"b": -50}), ("first", {"a": -50}), ("linear", {"a": -25, "b": -25})],
)
def test_a_refund_is_taken_off_what_its_purchase_is_owed_to(
    model: str, taken_off: dict[str, int]
) -> None:
    """Of its order, before it; in the refund's pane, in any order of arrival.

    minute   0: click a   10: click b   20: purchase   30: click c   40: refund   50: purchase
    """
    events = [click(0, "a"), click(10, "b"), purchase(20), click(30, "c"), refund(40, 50)]
    for order in every_order([*events, purchase(50)]):
        found = shares(model, order)
        assert {c: n for (minute, c), n in found.items() if minute == 40} == taken_off


def test_a_refund_without_a_purchase_takes_nothing_off() -> None:
    """Of another order, before the purchase, of one that nothing brought, or 30 days after it."""
    late = 1 + 30 * DAY
    bought = [click(0, "a"), purchase(1)]
    assert shares("last", [*bought, refund(2, 5, order_id="p")]) == {(1, "a"): 100}
    assert shares("last", [*bought, refund(0.5, 5)]) == {(1, "a"): 100}
    assert shares("last", [purchase(1), refund(2, 5)]) == {}
    assert shares("last", [*bought, refund(late, 5)]) == {(1, "a"): 100}
    assert shares("last", [*bought, refund(late - 1, 5)]) == {(1, "a"): 100, (late - 1, "a"): -5}


def test_memory_of_a_visitor_is_bounded() -> None:
    """Touches go a look-back after their time, purchases a refund horizon; and the lateness.

    A purchase that nothing late can change is kept with the touches that it is owed to.
    """
    processor = attribution("last")
    state = processor.new("v")
    for offset, one in enumerate([click(0, "a"), purchase(1)]):
        processor.take(state, one, offset, lambda _: None)
    assert processor.close(state, 62 * MINUTE_MS, lambda _: None)
    assert not state.purchases
    assert [owed.order_id for owed in state.owed] == ["o"]
    assert processor.close(state, 7 * DAY * MINUTE_MS + 60 * MINUTE_MS, lambda _: None)
    assert state.touches
    assert processor.close(state, 7 * DAY * MINUTE_MS + 60 * MINUTE_MS + 1, lambda _: None)
    assert not state.touches
    end_ms = (1 + 30 * DAY + 60) * MINUTE_MS
    assert processor.close(state, end_ms - 1, lambda _: None)
    assert not processor.close(state, end_ms, lambda _: None)
