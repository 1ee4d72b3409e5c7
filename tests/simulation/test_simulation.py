"""Whatever crashed, came late, came twice or was cut: the result equals the recomputation."""

from __future__ import annotations

from collections import defaultdict

import pytest

from processors.catalog.model import Catalog
from processors.pipeline import Plan, compile_plan
from tests.simulation.oracle import Expected, recompute
from tests.simulation.store import DictTable
from tests.simulation.traffic import Log, make_log
from tests.simulation.world import CALM, HORIZON, ROUGH, Weather, base_cells, base_sketches, run


@pytest.fixture(scope="module")
def plan(catalog: Catalog) -> Plan:
    return compile_plan(catalog)


def expected_of(plan: Plan, log: Log) -> Expected:
    return recompute(plan.catalog, log, dedup_horizon=HORIZON)


def assert_equal(tables: dict[tuple[str, int], DictTable], expected: Expected) -> None:
    cells = {known: value for known, value in expected.cells.items() if value}
    assert base_cells(tables) == cells
    members = {known: len(who) for known, who in expected.members.items()}
    assert base_sketches(tables) == members
    counters: dict[str, int] = defaultdict(int)
    for table in tables.values():
        for name, n in table.stored.counters.items():
            counters["rejected" if name.startswith("rejected:") else name] += n
    for name in ("events", "duplicates", "late", "rejected"):
        assert counters[name] == expected.counters[name], name


@pytest.mark.parametrize("seed", range(12))
def test_calm_run_equals_recomputation(plan: Plan, seed: int) -> None:
    """A log read in one go amounts to what the formulas say, cell by cell."""
    log = make_log(seed, events=400)
    assert_equal(run(plan, log, CALM), expected_of(plan, log))


@pytest.mark.parametrize("seed", range(12))
def test_cutting_changes_nothing(plan: Plan, seed: int) -> None:
    """Chunks and checkpoints anywhere, with a cache of three keys: the same cells."""
    log = make_log(seed, events=300)
    expected = expected_of(plan, log)
    for weather in (Weather(), Weather(chunk_max=1, checkpoint=1.0), Weather(chunk_max=97)):
        assert_equal(run(plan, log, weather, seed), expected)


@pytest.mark.parametrize("seed", range(25))
def test_crashes_change_nothing(plan: Plan, seed: int) -> None:
    """Crashes, roll-backs of the store and fenced zombies: nothing lost, nothing twice."""
    log = make_log(seed, events=300, partitions=3)
    assert_equal(run(plan, log, ROUGH, seed), expected_of(plan, log))


@pytest.mark.parametrize("seed", range(5))
def test_rungs_are_sums_of_base_panes(plan: Plan, seed: int) -> None:
    """Every stored pane of every rung is the sum of the base panes inside it."""
    ladder = plan.catalog.ladder
    for table in run(plan, make_log(seed, events=300), ROUGH, seed).values():
        sums: dict[tuple[str, int, str], int] = defaultdict(int)
        for (pane, cell), value in table.stored.base.items():
            measure = plan.catalog.requirements[cell.split("\x1f")[0].split("#")[0]]
            for name in measure.rungs:
                sums[name, ladder.pane_start(ladder.rung(name), pane), cell] += value
        assert dict(table.stored.rungs) == dict(sums)
