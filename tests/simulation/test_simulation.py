"""Whatever crashed, came late, came twice or was cut: the result equals the recomputation."""

from __future__ import annotations

from collections import defaultdict

import pytest

from processors.catalog.model import Catalog
from processors.pipeline import Plan, compile_plan
from tests.simulation.oracle import Expected, recompute
from tests.simulation.traffic import make_log
from tests.simulation.world import (
    CALM,
    HORIZON,
    ROUGH,
    Weather,
    World,
    base_cells,
    base_sketches,
    play,
    run,
)


@pytest.fixture(scope="module")
def plan(catalog: Catalog) -> Plan:
    return compile_plan(catalog)


def assert_equal(plan: Plan, world: World) -> Expected:
    """Compare what is stored with the recomputation of the logs as they are in the end."""
    tables, expected = (
        world.tables,
        recompute(plan.catalog, world.log, dedup_horizon=HORIZON, place=world.place),
    )
    cells = {known: value for known, value in expected.cells.items() if value}
    assert base_cells(tables) == cells
    members = {known: len(who) for known, who in expected.members.items()}
    assert base_sketches(tables) == members
    counters: dict[str, int] = defaultdict(int)
    for table in tables.values():
        for name, n in table.stored.counters.items():
            counters["rejected" if name.startswith("rejected:") else name] += n
    for name in ("events", "duplicates", "late", "rejected", "linked"):
        assert counters[name] == expected.counters[name], name
    return expected


@pytest.mark.parametrize("seed", range(12))
def test_calm_run_equals_recomputation(plan: Plan, seed: int) -> None:
    """A log read in one go amounts to what the formulas say, cell by cell."""
    log = make_log(seed, events=400)
    assert_equal(plan, play(plan, log, CALM))


@pytest.mark.parametrize("seed", range(12))
def test_cutting_changes_nothing(plan: Plan, seed: int) -> None:
    """Chunks and checkpoints anywhere, with a cache of three keys: the same cells."""
    log = make_log(seed, events=300)
    for weather in (Weather(), Weather(chunk_max=1, checkpoint=1.0), Weather(chunk_max=97)):
        assert_equal(plan, play(plan, log, weather, seed))


@pytest.mark.parametrize("seed", range(25))
def test_crashes_change_nothing(plan: Plan, seed: int) -> None:
    """Crashes, roll-backs of the store and fenced zombies: nothing lost, nothing twice."""
    log = make_log(seed, events=300, partitions=3)
    assert_equal(plan, play(plan, log, ROUGH, seed))


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


@pytest.mark.parametrize("seed", range(10))
def test_purchases_of_a_backend_reach_their_visitors(plan: Plan, seed: int) -> None:
    """Through two internal hops, in any weather, each is handed over once to whom the rule says."""
    log = make_log(seed, events=350, busy=0.92)
    for weather in (Weather(), ROUGH):
        world = play(plan, log, weather, seed)
        assert assert_equal(plan, world).counters["linked in time"] > 3
