"""Cohorts: what becomes of a window's members shows after the window's end."""

from __future__ import annotations

import pytest

from processors.catalog.load import load_catalog
from processors.catalog.model import window
from processors.cells import CellTable
from processors.evaluate import evaluate
from processors.windows import Span
from streams.catalog_files import preset_sources

CATALOG = load_catalog(preset_sources())
DAY_MS = 86_400_000
END_MS = 20_000 * DAY_MS


@pytest.mark.parametrize(
    ("kpi", "after_ms", "provisional"),
    [
        ("lead_conversion_rate", None, True),
        ("lead_conversion_rate", 30 * DAY_MS - 1, True),
        ("lead_conversion_rate", 30 * DAY_MS, False),
        ("email_open_rate", 3 * DAY_MS - 1, True),
        ("email_open_rate", 3 * DAY_MS, False),
        ("leads", 0, False),  # no cohort: final once the watermark is at the end
    ],
)
def test_cohorts_are_provisional_until_they_mature(
    kpi: str, after_ms: int | None, provisional: bool
) -> None:
    """A row is final once the watermark is as far behind its end as the KPI matures.

    window  |------|
                   end ........ matures ........| final
    """
    watermark_ms = None if after_ms is None else END_MS + after_ms
    span = Span(END_MS - DAY_MS, END_MS, watermark_ms=watermark_ms)
    rows = evaluate(CATALOG, CATALOG.metrics[kpi], window("1d"), (), CellTable.of([]), span)
    assert [row.provisional for row in rows] == [provisional]
