"""The recomputation and the live pipeline say the same of random logs, and faults are found."""

from __future__ import annotations

import random
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from processors.catalog.load import load_catalog
from processors.catalog.restrict import restrict
from streams.catalog_files import preset_sources
from streams.verify.compare import Comparison, compare
from tests.support.in_process import run_live
from tests.support.random_log import random_log
from tests.support.recomputing import recomputed

if TYPE_CHECKING:
    from processors.catalog.model import Catalog

HORIZON = 50
ZONES = ("UTC", "Asia/Kolkata", "America/New_York")


def some_windows(catalog: Catalog, seed: int) -> Catalog:
    """Return a catalogue whose KPIs have two of their windows; what is stored is the same."""
    rng = random.Random(seed)
    metrics = {
        name: replace(m, windows=tuple(rng.sample(m.windows, min(2, len(m.windows)))))
        for name, m in catalog.metrics.items()
    }
    return replace(catalog, metrics=metrics)


def compared(catalog: Catalog, seed: int, *, plant: bool = False) -> Comparison:
    """Compare one random log; ``plant`` adds one to a cell that is stored."""
    logs = random_log(seed, 200)
    stored = run_live(catalog, logs, seed, dedup_horizon=HORIZON)
    rungs = stored.rungs
    if plant:
        at, cells = next(iter(sorted(rungs["10s"].items())))
        rungs["10s"][at] = {**cells, "page_views\x1f": int(cells.get("page_views\x1f", 0)) + 1}
    con = recomputed(stored.rows(), catalog, HORIZON)
    return compare(partial(nullcontext, con), catalog, rungs.__getitem__, stored.counters)


@pytest.mark.parametrize("seed", range(3))
def test_live_and_recomputed_are_the_same(seed: int) -> None:
    """However a log is cut, every cell, window and counter equals the recomputation's."""
    catalog = load_catalog(preset_sources(), zone=ZONES[seed])
    outcome = compared(some_windows(catalog, seed), seed)
    differ = [e for tally in outcome.tallies for e in tally.examples]
    assert not differ
    assert all(ours == exact for ours, exact in outcome.counters.values()), outcome.counters
    assert outcome.cells > 1_000
    assert outcome.grid > outcome.windows > 1_000


def test_a_planted_fault_is_found_in_panes_and_windows() -> None:
    """One cell that is one too high is found, with where it stands and what it should say."""
    catalog = restrict(load_catalog(preset_sources()), ["page_views"])
    outcome = compared(catalog, 0, plant=True)
    tally = outcome.kpis["page_views"]
    assert not outcome.agrees
    assert outcome.cells_differ == 1
    assert tally.windows_differ > 0
    assert tally.examples[0].ours == tally.examples[0].recomputed + 1
