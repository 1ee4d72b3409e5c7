"""Everything that a KPI of one's own may read agrees with the live evaluation, on random logs."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial

import pytest

from processors.catalog.load import load_catalog
from streams.verify.compare import compare
from tests.support.in_process import run_live
from tests.support.random_log import random_log
from tests.support.recomputing import recomputed

HORIZON = 50
TEXT = """
family: own
reporting_currency: REPORTING
measures:
  paid: {events: [purchase], agg: sum, of: value}
  bought: {events: [purchase], agg: count}
  views: {events: [page_view], agg: count}
  people: {events: [page_view, purchase], agg: distinct, of: visitor}
  waits: {events: [ticket_answered], agg: histogram, of: duration_ms}
  spent: {events: [ad_cost], agg: sum, of: value}
  rank: {events: [keyword_rank_changed], agg: sum, of: value}
  ranked: {events: [keyword_rank_changed], agg: sum, of: known}
targets:
  planned_conversions:
metrics:
  paid_against_last_week:
    type: ratio
    label: Paid
    description: Against last week.
    formula: paid / paid last week
    unit: ratio
    direction: up
    numerator: paid - same_time_last_week(paid)
    denominator: same_time_last_week(paid)
    samples: bought
    dimension_sets: [[], [source]]
    windows: [5m, 1d, 7d, day_to_date, month_to_date]
  paid_gain:
    type: simple
    label: Paid
    description: And what it gained.
    formula: paid
    unit: money
    direction: up
    numerator: paid
    samples: bought
    stats: [value, change]
    dimension_sets: [[], [source]]
    windows: [1h, 7d, month_to_date, quarter_to_date]
  paid_a_view:
    type: ratio
    label: Paid
    description: For each view.
    formula: paid / views
    unit: money
    direction: up
    numerator: paid
    denominator: views
    samples: views
    dimension_sets: [[], [source]]
    windows: [1h, 30d, month_to_date]
  stayed:
    type: ratio
    label: Stayed
    description: People of the period before.
    formula: people of both / people of the previous
    unit: ratio
    direction: up
    numerator: retained(people)
    denominator: previous(people)
    samples: previous(people)
    dimension_sets: [[], [source]]
    windows: [1h, 7d, day_to_date, month_to_date]
  waited:
    type: simple
    label: Waited
    description: And what it gained.
    formula: mean and p90 of waits
    unit: seconds
    direction: down
    numerator: waits
    stats: [mean, p90, change]
    dimension_sets: [[], [team]]
    windows: [1h, 1d, month_to_date]
  share:
    type: ratio
    label: Share
    description: Of all views, of planned ones and of those since the beginning.
    formula: views / views
    unit: ratio
    direction: up
    numerator: views + 2 * at_start(views)
    denominator: total(views) * target(planned_conversions)
    samples: views
    dimension_sets: [[source], [source, campaign]]
    windows: [1h, 1d, month_to_date]
  rank_since:
    type: derived
    label: Rank
    description: Against that of the period before.
    formula: rank - rank before
    unit: position
    direction: down
    numerator: level(rank) - previous(level(rank)) + 0 * same_time_last_week(level(rank))
    samples: level(ranked)
    dimension_sets: [[], [keyword]]
    windows: [1h, 7d, month_to_date, quarter_to_date]
  paid_for:
    type: ratio
    label: Paid for
    description: Money spent for what was paid.
    formula: spent / paid
    unit: ratio
    direction: down
    numerator: spent
    denominator: paid - previous(spent)
    samples: bought
    dimension_sets: [[], [source], [campaign]]
    windows: [1h, 1d, month_to_date]
"""


@pytest.mark.parametrize(
    ("seed", "zone", "currency"), [(0, "America/New_York", "EUR"), (1, "Asia/Kolkata", "GBP")]
)
def test_whatever_a_kpi_reads_is_recomputed(seed: int, zone: str, currency: str) -> None:
    """Shifts, levels, totals, targets, retained members, changes, waits and rates are the same."""
    catalog = load_catalog([("own.yaml", TEXT.replace("REPORTING", currency))], zone=zone)
    logs = random_log(seed, 500)
    stored = run_live(catalog, logs, seed, dedup_horizon=HORIZON)
    con = recomputed(stored.rows(), catalog, HORIZON)
    outcome = compare(partial(nullcontext, con), catalog, stored.rungs.__getitem__, stored.counters)
    assert [e for tally in outcome.tallies for e in tally.examples] == []
    assert outcome.agrees
    assert outcome.empty == ()
