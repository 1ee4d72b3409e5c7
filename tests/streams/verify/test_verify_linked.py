"""What customers hand over to visitors: the recomputation walks the logs by the rule itself."""

from __future__ import annotations

import json
import random
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from processors.catalog.load import load_catalog
from processors.catalog.restrict import restrict
from processors.names import CUSTOMER, VISITOR
from streams.catalog_files import preset_sources
from streams.verify.compare import Comparison, compare
from tests.support.in_process import Stored, run_live
from tests.support.recomputing import T0_MS, recomputed

if TYPE_CHECKING:
    from processors.record import Record
    from streams.verify.log import LogRow

MINUTE_MS = 60_000
STEPS_MS = (0, 1, 1_000, MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS - 1, 30 * MINUTE_MS, 2**22)
LATE_MS = (0, 0, 0, 0, 1, MINUTE_MS, 31 * MINUTE_MS, 61 * MINUTE_MS, 91 * MINUTE_MS)
CATALOG = restrict(
    load_catalog(preset_sources()),
    ["conversion_rate", "cart_abandonment_rate", "session_duration", "new_customers", "orders"],
)


def log_of(seed: int, events: int) -> dict[str, list[Record]]:
    """Return visits, logins and a backend's purchases of a few people, sealed by a tick."""
    rng = random.Random(seed)
    records: list[Record] = []
    now_ms = T0_MS
    for number in range(events):
        now_ms += rng.choice(STEPS_MS)
        event: dict[str, Any] = {"event_id": f"e{number}", "ts": now_ms - rng.choice(LATE_MS)}
        visitor, customer = f"v{rng.randrange(4)}", f"c{number // 50}{rng.randrange(2)}"
        kind = rng.choice(("page_view", "add_to_cart", "identify", "identify", "purchase", "buy"))
        money = {"value": 2, "currency": "EUR", "order_id": f"o{number}"}
        match kind:
            case "buy":
                event |= {"type": "purchase", "customer_id": customer, **money}
                if rng.random() < 0.3:
                    event |= {"session_id": "s", "cart_id": "k", "device": "m"}
            case "identify":
                event |= {"type": kind, "visitor_id": visitor, "customer_id": customer}
            case "purchase":
                event |= {"type": kind, "visitor_id": visitor, **money}
            case _:
                event |= {"type": kind, "visitor_id": visitor}
        if rng.random() < 0.03:
            event["traffic"] = "bot"
        records.append((number, now_ms, None, json.dumps(event).encode()))
    end_ms = now_ms + 3 * 3_600_000
    tick = {"event_id": "tick", "type": "_tick", "ts": end_ms}
    return {VISITOR: [*records, (events, end_ms, None, json.dumps(tick).encode())]}


def compared(stored: Stored, rows: list[LogRow]) -> Comparison:
    """Compare what is stored with the recomputation of some rows."""
    con = recomputed(rows, CATALOG, 50)
    return compare(partial(nullcontext, con), CATALOG, stored.rungs.__getitem__, stored.counters)


@pytest.mark.parametrize("seed", range(12))
def test_what_is_handed_over_is_recomputed(seed: int) -> None:
    """However the log is cut and bundled, every cell and counter equals the rule's."""
    stored = run_live(CATALOG, log_of(seed, 300), seed, dedup_horizon=50, cuts=(1, 2, 5, 20))
    outcome = compared(stored, stored.rows())
    assert [e for tally in outcome.tallies for e in tally.examples] == []
    assert outcome.agrees, outcome.counters
    assert outcome.counters["linked"][0] > 10


def damaged(stored: Stored, topic: str, change: Any) -> list[LogRow]:
    """Return the rows with the first bundle of a topic changed in which there is anything."""
    rows = stored.rows()
    for index, (of, *rest, value) in enumerate(rows):
        if of == topic and value is not None and value.startswith(b'{"type":"_passed"'):
            record = json.loads(value)
            if change(record["emissions"]):
                rows[index] = (of, *rest, json.dumps(record, separators=(",", ":")).encode())
                return rows
    raise AssertionError(topic)


def lose(emissions: list[Any]) -> bool:
    """Lose a link or a backend's purchase."""
    wanted = [one for one in emissions if one[10] or one[11]]
    for one in wanted[:1]:
        emissions.remove(one)
    return bool(wanted)


def move(emissions: list[Any]) -> bool:
    """Hand the first over under another identity."""
    emissions[0][1] += 7
    return True


@pytest.mark.parametrize(("topic", "change"), [(CUSTOMER, lose), (VISITOR, lose), (VISITOR, move)])
def test_what_is_lost_on_the_way_is_found(topic: str, change: Any) -> None:
    """Contents are the events', so a bundle that lacks one, or is nobody's, is told apart."""
    stored = run_live(CATALOG, log_of(1, 200), 1, dedup_horizon=50, cuts=(1, 2))
    assert not compared(stored, damaged(stored, topic, change)).agrees
