"""Laws of the latency's arithmetic."""

from __future__ import annotations

import pytest

from processors.errors import CheckFailedError
from streams.bench.latency import latencies_ms, page_views

PAGE = """\
# HELP kpi_page_views Pages shown
# TYPE kpi_page_views gauge
kpi_page_views{by="total",window="1m"} 7.0
kpi_page_views{by="device",device="mobile",window="1d"} 8.0
kpi_page_views{by="total",window="1d"} 42.0
kpi_page_views_samples{by="total",window="1d"} 43.0
"""


def test_the_day_total_is_read() -> None:
    """Of a page of metrics the total of the longest window counts; none is 0."""
    assert page_views(PAGE) == 42
    assert page_views("") == 0


def test_visible_in_the_first_scrape_that_counts_it() -> None:
    """Each view's latency runs to the first scrape with at least its number.

    ::

        sent  1 at 0 s, 2 at 1 s, 3 at 1.5 s
        seen      0 views at 0.5 s, 2 at 2 s, 3 at 2.5 s
    """
    sent = [(0.0, 1), (1.0, 2), (1.5, 3)]
    seen = [(0.5, 0), (2.0, 2), (2.5, 3)]
    assert latencies_ms(sent, seen) == [2000, 1000, 1000]


def test_never_seen_is_a_failure() -> None:
    """A view that no scrape counts fails the measurement: there is no latency to report."""
    with pytest.raises(CheckFailedError, match="page view 2 of 2"):
        latencies_ms([(0.0, 1), (0.0, 2)], [(1.0, 1)])
