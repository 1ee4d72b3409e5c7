"""The simulated log: every KPI has something to compare in it, and nothing differs."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from processors.catalog.load import load_catalog
from processors.errors import UsageError
from processors.event import STRUCT_BY_TYPE, tick_record
from processors.names import EVENT_TOPICS, OTHER_VALUE
from streams.catalog_files import preset_sources
from streams.cli.main import main
from streams.cli.verify import exit_code_of
from streams.replay.rows import event_ts_ms, place
from streams.replay.seal import seal_ts_ms
from streams.verify.compare import Comparison, compare
from streams.verify.run import Verified
from streams.verify.stream import simulated
from streams.verify.tally import Tally
from tests.support.in_process import run_live
from tests.support.recomputing import recomputed

if TYPE_CHECKING:
    from processors.catalog.model import Catalog
    from processors.record import Record

EVENTS, SEED = 2_500, 7


def logs(catalog: Catalog, events: int, seed: int) -> dict[str, list[Record]]:
    """Return topic -> the records of one partition, sealed."""
    found: dict[str, list[Record]] = {topic: [] for topic in EVENT_TOPICS}
    ts_ms = 0
    for line in simulated(events, seed, products=300):
        try:
            event = msgspec.json.decode(line)
        except msgspec.DecodeError:
            event = None
        ts_ms = (event and event_ts_ms(event["ts"])) or ts_ms
        records = found[place(event)[0]]
        records.append((len(records), ts_ms, None, line))
    last_ms = max(record[1] for records in found.values() for record in records)
    seal_ms = seal_ts_ms(last_ms, catalog.defaults)
    for records in found.values():
        records.append((len(records), seal_ms, None, tick_record(seal_ms, 0)))
    return found


def test_every_kpi_is_compared_and_not_empty() -> None:
    """Of each KPI of the presets some window says something, and nothing differs anywhere."""
    catalog = load_catalog(preset_sources())
    middle = {
        n: replace(m, windows=m.windows[len(m.windows) // 2 :][:1])
        for n, m in catalog.metrics.items()
    }
    catalog = replace(
        catalog,
        metrics=middle,
        defaults=replace(catalog.defaults, dimension_values_max=50),
    )
    records = logs(catalog, EVENTS, SEED)
    stored = run_live(catalog, records, SEED, dedup_horizon=500, cuts=(50, 300))
    others = sum(OTHER_VALUE in name for pane in stored.rungs["1h"].values() for name in pane)
    con = recomputed(stored.rows(), catalog, 500)
    outcome = compare(partial(nullcontext, con), catalog, stored.rungs.__getitem__, stored.counters)
    assert [e for tally in outcome.tallies for e in tally.examples] == []
    assert outcome.agrees
    assert outcome.kpis.keys() == load_catalog(preset_sources()).metrics.keys()
    assert outcome.empty == ()
    assert [tally.name for tally in outcome.tallies if not tally.cells] == []
    wanted = {"duplicates", "late", "late_unkeyed", "linked", "rejected:invalid_json"}
    assert wanted <= {name for name, (ours, _) in outcome.counters.items() if ours}
    assert others, "no budget of labels was full"


def test_the_same_seed_gives_the_same_log() -> None:
    """The log hangs on the seed alone, and holds every published type."""
    log = list(simulated(20_000, 3))
    assert log == list(simulated(20_000, 3))
    assert log != list(simulated(20_000, 4))
    assert len(log) >= 20_000
    types = {name for name in STRUCT_BY_TYPE if any(f'"{name}"'.encode() in line for line in log)}
    assert types == STRUCT_BY_TYPE.keys()


def test_a_kpi_without_anything_fails_where_it_must_have_something() -> None:
    """Equal because empty is no success of a simulated log; own files may hold what they do."""
    comparison = Comparison({"a": Tally("a", cells=1, windows=1)}, cells=1)
    found = Verified(comparison, "verify-x", 1, 1, 0.0, 0.0, 0.0)
    assert exit_code_of(found) == 0
    assert exit_code_of(found, complete=True) == 1
    comparison.kpis["a"].filled = 1
    assert exit_code_of(found, complete=True) == 0


@pytest.mark.parametrize(
    "arguments",
    [[], ["x.ndjson", "--simulated", "5"], ["--simulated", "0"], ["--simulated", "5", "--as-is"]],
)
def test_what_is_verified_must_be_said(
    arguments: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Files or a simulated log, not both and not neither: exit code 2 and what to do."""
    del tmp_path
    assert main(["verify", *arguments]) == UsageError.exit_code
    assert "simulated" in capsys.readouterr().err
