"""``kpi catalog test``: the golden cases beside a catalogue, worked out in memory."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from processors.catalog.load import load_catalog
from processors.errors import CheckFailedError
from processors.golden import CaseError, check_case
from streams.catalog_files import preset_sources, read_catalog
from streams.cli.output import print_json, print_table
from streams.golden_files import case_files, read_cases

if TYPE_CHECKING:
    from pathlib import Path

    from processors.catalog.model import Catalog
    from streams.settings import Settings


def run_test(settings: Settings, output: str) -> int:
    """Run every case; 1 where one is not as expected."""
    catalog = read_catalog(settings)
    files = case_files(settings.catalog_dir)
    results = [result for path in files for result in _run_file(catalog, path)]
    own = catalog.metrics.keys() - load_catalog(preset_sources()).metrics.keys()
    untested = sorted(own - {path.stem for path in files})
    ok = not any(faults for *_, faults in results)
    if output == "json":
        keys = ("file", "kpi", "story", "faults")
        cases = [dict(zip(keys, result, strict=True)) for result in results]
        print_json({"ok": ok, "cases": cases, "without_a_case": untested})
    else:
        rows = [
            (kpi, story or "-", "wrong" if faults else "ok") for _, kpi, story, faults in results
        ]
        print_table(("kpi", "story", "case"), rows)
        for file, _, story, faults in results:
            for fault in faults:
                sys.stderr.write(f"kpi: {file}: {f'{story}: ' if story else ''}{fault}\n")
        if untested:
            sys.stderr.write(f"kpi: without a case: {', '.join(untested)}\n")
    return 0 if ok else CheckFailedError.exit_code


def _run_file(catalog: Catalog, path: Path) -> list[tuple[str, str, str, list[str]]]:
    try:
        cases = read_cases(path)
    except CaseError as error:
        return [(str(path), path.stem, "", [str(error)])]
    found = []
    for case in cases:
        try:
            faults = check_case(catalog, case)
        except CaseError as error:
            faults = [str(error)]
        found.append((str(path), case.kpi, case.story, faults))
    return found
