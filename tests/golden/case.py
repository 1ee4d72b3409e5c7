"""Reads the presets' golden cases and works them out through the pipeline, however it is run."""

from __future__ import annotations

from pathlib import Path

from processors import windows
from processors.catalog.model import Catalog
from processors.golden import Case, Panes, faults, make_log
from processors.pipeline import compile_plan
from streams.golden_files import read_cases as read_file
from tests.simulation.world import Weather, run

FOLDER = Path(__file__).parent


def read_cases() -> dict[str, Case]:
    """Return every case by its file's name."""
    return {
        f"{path.stem}/{case.story}": case
        for path in sorted(FOLDER.glob("*.yaml"))
        for case in read_file(path)
    }


def faults_in(
    catalog: Catalog, case: Case, partitions: int, weather: Weather, seed: int
) -> list[str]:
    """Run a case in a weather and say what is not as expected."""
    tables = run(compile_plan(catalog), make_log(case, partitions), weather, seed)

    def panes(span: windows.Run) -> Panes:
        return [
            {cell: value}
            for table in tables.values()
            for source in (table.stored.rungs, table.stored.sketches)
            for (rung, pane, cell), value in source.items()  # type: ignore[attr-defined]
            if rung == span.rung and span.start_ms <= pane < span.end_ms
        ]

    return faults(catalog, case, panes)
