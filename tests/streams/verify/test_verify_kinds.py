"""Laws of the other keyed figures, as the recomputation finds them. Times are minutes after T0."""

from __future__ import annotations

from typing import Any

from processors.keyed.customer import PAYMENTS_MAX
from processors.names import BUSINESS, LEADS, SUPPORT, VISITOR
from streams.verify.sql import texts
from tests.support.recomputing import (
    MINUTE_MS,
    T0_MS,
    catalog_of,
    cells_of,
    count,
    event,
    facts_of,
    log_of,
    recomputed,
    tick,
)

HOUR, DAY = 60, 1_440


def at(minute: float, kind: str, **fields: Any) -> dict[str, Any]:
    """Return an event."""
    return event(kind, int(minute * MINUTE_MS), **fields)


def told(events: list[dict[str, Any]], *wanted: str, topic: str = VISITOR, **defaults: Any) -> Any:
    """Return (fact, minute), and the micro-units where there are any."""
    found = facts_of(events, *wanted, topic=topic, **defaults)
    return [(f, ts / MINUTE_MS, *([] if micro is None else [micro])) for f, ts, _, micro in found]


def test_a_lead_s_fate_falls_at_its_creation() -> None:
    """The first of each kind at or after the creation counts; in time up to the agreed time."""
    lead = {"lead_id": "l"}
    events = [
        at(0, "lead_status", status="accepted", **lead),  # before it was created
        at(5, "lead_created", **lead),
        at(9, "sales_contacted", **lead),
        at(5 + 30 * DAY, "lead_status", status="won", **lead),
        at(6 + 30 * DAY, "lead_status", status="lost", **lead),
    ]
    wanted = ("lead_started", "lead_accepted", "lead_won", "lead_won_in_time", "lead_contacted")
    assert told(events, *wanted, topic=LEADS) == [
        ("lead_started", 5),
        ("lead_won", 5),
        ("lead_won_in_time", 5),
        ("lead_contacted", 9),
    ]
    late = at(6 + 30 * DAY, "lead_status", status="won", **lead)
    found = told([events[1], late], "lead_won", "lead_won_in_time", topic=LEADS)
    assert found == [("lead_won", 5)]


def test_a_promise_falls_due_at_the_reply_or_the_deadline() -> None:
    """A reply at the deadline keeps the promise; later, or none once it has passed, breaks it."""
    opened = at(0, "ticket_opened", ticket_id="t")

    def replied(minute: float) -> dict[str, Any]:
        return at(minute, "ticket_replied", ticket_id="t", by="agent")

    def promises(*events: dict[str, Any]) -> Any:
        return told(list(events), "ticket_due", "ticket_breached", topic=SUPPORT)

    broken = [("ticket_breached", 60), ("ticket_due", 60)]
    assert promises(opened, replied(60)) == [("ticket_due", 60)]
    assert promises(opened, replied(60.01), tick(60 * MINUTE_MS + 30_000)) == broken
    assert promises(opened, tick(60 * MINUTE_MS + 29_999)) == []
    assert promises(opened, tick(2 * HOUR * MINUTE_MS), replied(30)) == [("ticket_due", 30)]


def test_an_unanswered_ticket_moves_from_age_to_age() -> None:
    """+1 at coming to a class, -1 at leaving it, up to the watermark; an answer ends it."""
    opened = at(0, "ticket_opened", ticket_id="t")
    answer = at(6, "ticket_replied", ticket_id="t", by="agent")
    solved = at(3, "ticket_resolved", ticket_id="t")

    def moves(*events: dict[str, Any]) -> Any:
        con = recomputed(log_of(events, SUPPORT), catalog_of(count("ticket_waiting")))
        found = con.execute(
            "select (ts - $1) // 60000, duration_ms // 60000, weight from fact"
            " where type = 'ticket_waiting' order by ts, weight",
            [T0_MS],
        )
        return found.fetchall()

    clock = tick(5 * MINUTE_MS + 30_000)
    waited = [(0, 0, 1), (1, 0, -1), (1, 1, 1), (2, 1, -1), (2, 2, 1)]
    longer = [*waited, (5, 2, -1), (5, 5, 1)]
    assert moves(opened, clock) == longer
    assert moves(opened, clock, answer) == [*longer, (6, 5, -1)]
    assert moves(opened, clock, answer, solved) == [*waited, (3, 2, -1)]
    assert moves(opened, tick(5 * MINUTE_MS + 29_999)) == waited


def test_each_turn_of_a_ticket_counts_once() -> None:
    """Resolved twice is closed once; reopened while open is nothing."""
    turns = ["resolved", "resolved", "reopened", "reopened", "resolved"]
    events = [at(0, "ticket_opened", ticket_id="t")]
    events += [at(n + 1, f"ticket_{turn}", ticket_id="t") for n, turn in enumerate(turns)]
    found = told(events, "ticket_became_open", "ticket_became_closed", topic=SUPPORT)
    assert [(name.removeprefix("ticket_became_"), minute) for name, minute in found] == [
        ("open", 0),
        ("closed", 1),
        ("open", 3),
        ("closed", 5),
    ]


def test_what_follows_belongs_to_the_latest_message() -> None:
    """Of its recipient and campaign, in 72 h; a purchase to the latest of any; once each."""
    hours = 72 * HOUR

    def mail(minute: float, kind: str, campaign: str | None = "a", who: str = "r") -> Any:
        fields = {"recipient_id": who, "visitor_id": "v", "campaign": campaign}
        return at(minute, f"email_{kind}", **fields)

    bought = {"order_id": "o", "value": 1, "currency": "EUR", "visitor_id": "v"}
    events = [
        mail(0, "sent"),
        mail(1, "delivered"),
        mail(2, "sent", "b"),
        mail(3, "delivered", "b"),
        mail(4, "opened"),
        mail(5, "opened"),
        mail(6, "opened", None),  # of whatever campaign: the latest
        mail(7, "clicked", "b", "somebody else"),
        at(8, "purchase", **bought),
        mail(9, "delivered", "c"),  # nobody reported its sending
        mail(9 + hours, "clicked", "c"),  # too late
    ]
    wanted = ("send_delivered", "send_opened", "send_clicked", "send_purchased")
    assert told(events, *wanted) == [
        ("send_delivered", 0),
        ("send_opened", 0),
        ("send_delivered", 2),
        ("send_opened", 2),
        ("send_purchased", 2),
        ("send_delivered", 9),
    ]


def test_a_purchase_is_owed_to_touches_of_the_look_back() -> None:
    """The last one, the first one, or all in equal shares: the earlier ones get the remainder."""
    who = {"visitor_id": "v"}
    bought = {"order_id": "o", "currency": "EUR", **who}
    events = [
        at(0, "ad_click", campaign="a", **who),
        at(1, "page_view", campaign="a", **who),  # the click's page: the same touch
        at(2, "page_view", campaign="b", **who),
        at(3, "page_view", source="m", medium="social", **who),
        at(4, "purchase", value="0.000010", **bought),
        at(3 + 7 * DAY, "purchase", value=5, **bought),
        at(4 + 7 * DAY, "purchase", value=7, **bought),
    ]
    late = 3 + 7 * DAY
    owed = {
        "last": [(4, 10), (late, 5_000_000)],
        "first": [(4, 10), (late, 5_000_000)],
        "linear": [(4, 3), (4, 3), (4, 4), (late, 5_000_000)],
    }
    for model, shares in owed.items():
        found = told(events, "purchase_attributed", attribution_model=model)
        assert sorted(row[1:] for row in found) == shares
    found = told(events, "touch_made", "touch_converted")
    assert found == [
        ("touch_made", 0),
        ("touch_made", 2),
        ("touch_made", 3),
        ("touch_converted", 4),
    ]


def test_a_refund_is_taken_off_the_touches_of_its_purchase() -> None:
    """Of the latest purchase of the order before it that is owed to any; the shares add up."""
    who = {"visitor_id": "v"}
    money = {"order_id": "o", "currency": "EUR", **who}
    events = [
        at(0, "ad_click", campaign="a", **who),
        at(1, "ad_click", campaign="b", **who),
        at(2, "purchase", value=5, **money),
        at(3, "ad_click", campaign="c", **who),
        at(4, "refund", value="0.000003", campaign="d", **money),
        at(5, "refund", value=1, **money | {"order_id": "p"}),
        at(2 + 30 * DAY, "refund", value=1, **money),
    ]
    for model, shares in {"last": [3], "first": [3], "linear": [1, 2]}.items():
        found = told(events, "refund_attributed", attribution_model=model)
        assert sorted(row[1:] for row in found) == [(4, share) for share in shares]
    assert [minute for _, minute in told(events, "touch_made")] == [0, 1, 3]


def test_a_customer_joins_at_the_first_purchase_wherever_it_is() -> None:
    """Of all partitions the earliest counts, of one instant the lower event id."""
    paid = {"order_id": "o", "currency": "EUR", "customer_id": "c"}
    one = [
        at(5, "purchase", value=3, **paid),
        at(2, "refund", value=1, **paid),  # before the customer was one
        at(6, "refund", value="0.5", **paid),
        at(3 + 45 * DAY, "purchase", value=9, **paid),  # the cohort's time is over
    ]
    other = [at(3, "purchase", value=2, source="b", event_id="b", **paid)]
    third = [at(3, "purchase", value=4, source="a", event_id="a", **paid)]
    facts = ("customer_joined", "customer_spent", "customer_cohort_spent")
    rows = [*log_of(one), *log_of(other, partition=1), *log_of(third, partition=2)]
    con = recomputed(rows, catalog_of(*map(count, facts), sets=[("source",)]))
    assert [row for row in cells_of(con, "source") if row[0] == "customer_joined"] == [
        ("customer_joined", "", "a", 3 * MINUTE_MS, 1)
    ]
    cohort = con.execute(
        f"select type, sum(micro)::bigint from fact where type in ({texts(facts[1:])})"  # noqa: S608
        " group by type order by type"
    ).fetchall()
    assert cohort == [("customer_cohort_spent", 8_500_000), ("customer_spent", 16_500_000)]


def test_the_first_payments_are_the_cohorts() -> None:
    """Of an id that everybody shares the first ones count, as many as the processor keeps."""
    paid = {"order_id": "o", "currency": "EUR", "customer_id": "guest", "value": 1}
    sold = [at(number / 100, "purchase", **paid) for number in range(PAYMENTS_MAX + 20)]
    facts = ("customer_joined", "customer_spent", "customer_cohort_spent")
    con = recomputed(log_of(sold), catalog_of(*map(count, facts), sets=[("source",)]))
    found = con.execute("select type, count(*) from fact group by type").fetchall()
    assert {kind: number for kind, number in found if kind in facts} == {
        "customer_joined": 1,
        "customer_spent": PAYMENTS_MAX + 20,
        "customer_cohort_spent": PAYMENTS_MAX,
    }


def test_who_says_the_same_again_changes_nothing() -> None:
    """A membership is each recipient's last word on a list; leaving first is a leaving too."""

    def word(minute: float, kind: str, name: str = "news") -> dict[str, Any]:
        return at(minute, kind, recipient_id="r", list=name)

    events = [word(m, "subscribed") for m in (0, 1)] + [word(m, "unsubscribed") for m in (3, 4)]
    events += [word(2, "unsubscribed", "deals")]
    found = told(events, "subscriber_joined", "subscriber_left")
    assert found == [("subscriber_joined", 0), ("subscriber_left", 2), ("subscriber_left", 3)]


def test_readings_tell_what_they_differ_by() -> None:
    """In order of time, of one kind: the same again is nothing, but for the first."""

    def read(minute: float, value: float, account: str = "bank") -> dict[str, Any]:
        return at(minute, "balance", value=value, account=account, currency="EUR")

    events = [read(0, 0), read(2, 5), read(1, 5), read(3, 2), read(1, 7, "cash")]
    micro = 1_000_000
    assert sorted(told(events, "balance_changed", topic=BUSINESS)) == [
        ("balance_changed", 0, 0),
        ("balance_changed", 1, 5 * micro),
        ("balance_changed", 1, 7 * micro),
        ("balance_changed", 3, -3 * micro),
    ]


def test_items_are_what_they_say_and_else_what_the_purchase_says() -> None:
    """Each element counts price * quantity, and its cost where it says one."""
    items = [
        {"product": "p", "price": "0.5", "quantity": 3, "unit_cost": 1},
        {"category": "c", "price": 2},
    ]
    bought = {"order_id": "o", "currency": "EUR", "customer_id": "c", "value": 1, "product": "q"}
    events = [at(0, "purchase", items=items, **bought)]
    assert sorted(told(events, "purchase_item", "purchase_cost")) == [
        ("purchase_cost", 0, 3_000_000),
        ("purchase_item", 0, 1_500_000),
        ("purchase_item", 0, 2_000_000),
    ]
    con = recomputed(log_of(events), catalog_of(count("purchase_item"), sets=[("product",)]))
    assert [row[2] for row in cells_of(con, "product")] == ["p", "q"]


def test_steps_of_the_funnel_follow_one_another() -> None:
    """A step is reached by the first event of its type since the step before."""
    who = {"visitor_id": "v"}
    bought = {"order_id": "o", "value": 1, "currency": "EUR", **who}
    events = [
        at(0, "checkout_started", **who),  # too soon
        at(1, "page_view", **who),
        at(2, "add_to_cart", **who),
        at(3, "purchase", **bought),  # too soon
    ]
    steps = ("funnel_reached", "funnel_entered", "funnel_passed", "session_engaged")
    con = recomputed(log_of(events), catalog_of(*map(count, steps), sets=[("step",)]))
    assert sorted(row[:3:2] for row in cells_of(con, "step")) == [
        ("funnel_entered", "add_to_cart"),
        ("funnel_entered", "page_view"),
        ("funnel_passed", "page_view"),
        ("funnel_reached", "add_to_cart"),
        ("funnel_reached", "page_view"),
        ("session_engaged", "__none__"),
    ]
