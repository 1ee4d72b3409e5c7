"""Every KPI's golden cases: whole, cut up, crashed, and over several partitions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from processors.catalog.load import load_catalog
from processors.catalog.model import Catalog
from streams.catalog_files import preset_sources
from tests.golden.case import Case, read_cases, rows
from tests.simulation.world import CALM, ROUGH, Weather

CASES = read_cases()
RUNS = {"whole": (1, CALM), "cut": (1, Weather(chunk_max=3)), "crashed": (3, ROUGH)}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(preset_sources())


def as_decimal(value: Any) -> Decimal | None:
    """Compare numbers as they are written: 0.08, not what a float makes of it."""
    return None if value is None else Decimal(str(value))


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_golden_case(catalog: Catalog, case: Case, run: str) -> None:
    """The value, its sides and its samples are those worked out by hand."""
    partitions, weather = RUNS[run]
    for row, expected in zip(
        rows(catalog, case, partitions, weather, seed=1), case.expect, strict=True
    ):
        for field in ("value", "numerator", "denominator", "samples"):
            if row is not None and field in expected:
                found, wanted = as_decimal(getattr(row, field)), as_decimal(expected[field])
                if field == "value" and expected.get("within"):
                    assert found is not None
                    assert wanted is not None
                    assert abs(found - wanted) <= as_decimal(expected["within"]), (field, row)
                else:
                    assert found == wanted, (field, expected, row)


def test_every_kpi_has_a_golden_case(catalog: Catalog) -> None:
    """A KPI without a case worked by hand is not done."""
    assert sorted({case.kpi for case in CASES.values()}) == sorted(catalog.metrics)
