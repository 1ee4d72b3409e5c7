"""Every KPI's golden cases: whole, cut up, crashed, and over several partitions."""

from __future__ import annotations

import pytest

from processors.catalog.load import load_catalog
from processors.catalog.model import Catalog
from processors.golden import Case, check_case
from streams.catalog_files import preset_sources
from tests.golden.case import faults_in, read_cases
from tests.simulation.world import CALM, ROUGH, Weather

CASES = read_cases()
RUNS = {"whole": (1, CALM), "cut": (1, Weather(chunk_max=3)), "crashed": (3, ROUGH)}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(preset_sources())


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_golden_case(catalog: Catalog, case: Case, run: str) -> None:
    """The value, its sides and its samples are those worked out by hand."""
    partitions, weather = RUNS[run]
    assert faults_in(catalog, case, partitions, weather, seed=1) == []


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_commands_run_agrees(catalog: Catalog, case: Case) -> None:
    """``kpi catalog test`` works a case out as every other run does."""
    assert check_case(catalog, case) == []


def test_every_kpi_has_a_golden_case(catalog: Catalog) -> None:
    """A KPI without a case worked by hand is not done."""
    assert sorted({case.kpi for case in CASES.values()}) == sorted(catalog.metrics)
