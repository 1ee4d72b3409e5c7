"""A part of the catalogue: nothing is stored but what its KPIs read."""

import pytest

from processors.catalog.load import load_catalog
from processors.catalog.requirements import measures_of
from processors.catalog.restrict import restrict
from streams.catalog_files import preset_sources


def test_only_what_the_kept_kpis_read_is_required() -> None:
    """The measures of the kept KPIs, and no others, have cells."""
    catalog = load_catalog(preset_sources())
    kept = restrict(catalog, ["click_through_rate", "first_response_time"])
    assert set(kept.metrics) == {"click_through_rate", "first_response_time"}
    read = {m for metric in kept.metrics.values() for m in measures_of(metric)}
    assert set(kept.requirements) == read
    assert all(
        set(kept.requirements[name].rungs) <= set(catalog.requirements[name].rungs) for name in read
    )


def test_an_unknown_kpi_is_named() -> None:
    """A misspelt id would silently keep nothing of it: it is refused with the nearest name."""
    with pytest.raises(ValueError, match=r"no KPI click_trough_rate.*click_through_rate"):
        restrict(load_catalog(preset_sources()), ["click_trough_rate"])
