"""``kpi verify``: replay files, recompute everything from the log, and compare."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from processors.errors import CheckFailedError, UsageError
from streams.cli.output import add_format, print_json, print_table
from streams.cli.progress import ProgressLine
from streams.replay.sources import open_files
from streams.supervisor.tree import StopRequested
from streams.verify.tolerance import SKETCH_TOLERANCE

if TYPE_CHECKING:
    import argparse

    from streams.cli.registry import Subparsers
    from streams.replay.sources import Files
    from streams.settings import Settings
    from streams.verify.run import Verified

SEED: Final = 1
INTERRUPTED: Final = 130  # what a shell expects of a command that a signal ended half way
EPILOG = """\
examples:
  kpi verify events.ndjson
  kpi verify --mapping orders_online_retail orders.parquet
  kpi verify --format json --as-is late.ndjson
  kpi verify --simulated 200000 --seed 7
  kpi verify --simulated 20000 --kpis orders,revenue

The files are replayed into a namespace of its own (Kafka, worker, Redis). Then the same log is
recomputed in DuckDB from the KPIs' formulas, and every cell of every pane and every final window
is compared. Exit code 0: there was something to compare and nothing differs; 1: something does.

A simulated log has repeats, late and broken events, several currencies, and something for every
KPI: exit code 1 also where a KPI's windows are all 0 or undefined.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``verify``."""
    parser = subparsers.add_parser(
        "verify",
        help="compare every stored figure with a batch recomputation",
        description="Compare every stored figure with a batch recomputation of the same events.",
        epilog=EPILOG,
    )
    parser.add_argument("files", nargs="*", metavar="FILE", type=Path)
    parser.add_argument(
        "--simulated", type=int, metavar="N", help="make a log of N events instead of reading files"
    )
    parser.add_argument(
        "--seed", type=int, default=SEED, metavar="N", help=f"of the simulated log ({SEED})"
    )
    parser.add_argument("--mapping", metavar="M.yaml", help="turns foreign rows into events")
    parser.add_argument(
        "--as-is", action="store_true", help="in the order of the files, not by event time"
    )
    add_format(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Verify and print what was compared."""
    try:
        from streams.verify.run import verify  # noqa: PLC0415  # needs the extra of that name
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{error.name} is not installed: pip install 'kpi-streams[verify]'"
        ) from error
    with tempfile.TemporaryDirectory(prefix="kpi-verify-log-") as directory:
        files = _files(args, Path(directory))
        with ProgressLine(sys.stderr) as progress:
            try:
                found = verify(settings, files, report=progress.report, say=progress.say)
            except StopRequested:
                progress.say("stopped: nothing is said of the figures")
                return INTERRUPTED
    if args.format == "json":
        print_json(_document(found))
    else:
        _print(found)
    return exit_code_of(found, complete=args.simulated is not None)


def _files(args: argparse.Namespace, directory: Path) -> Files:
    """Return what is to be replayed; a simulated log is written down first.

    Raises:
        UsageError: neither files nor a simulated log are asked for, or both.
    """
    if args.simulated is None:
        if not args.files:
            raise UsageError("FILE is missing: name files of events, or --simulated N")
        return open_files(args.files, args.mapping, as_is=args.as_is)
    if args.files or args.mapping or args.as_is:
        raise UsageError("--simulated takes the place of FILE, --mapping and --as-is")
    if args.simulated < 1:
        raise UsageError(f"--simulated {args.simulated}: must be at least 1")
    from streams.verify.stream import simulated  # noqa: PLC0415  # as the import above

    path = directory / "simulated.ndjson"
    with path.open("wb") as file:
        file.writelines(line + b"\n" for line in simulated(args.simulated, args.seed))
    return open_files([path], None, as_is=True)


def exit_code_of(found: Verified, *, complete: bool = False) -> int:
    """Return 0 where all was compared and nothing differs.

    Args:
        found: the outcome.
        complete: every KPI must have had something to compare, too.
    """
    comparison = found.comparison
    fine = comparison.agrees and not (complete and comparison.empty)
    return 0 if fine else CheckFailedError.exit_code


def _document(found: Verified) -> dict[str, Any]:
    outcome = found.comparison
    return {
        "agrees": outcome.agrees,
        "namespace": found.namespace,
        "events": found.events,
        "records": found.records,
        "cells_compared": outcome.cells,
        "cells_differ": outcome.cells_differ,
        "estimates_compared": outcome.estimates,
        "estimate_off_max": round(outcome.estimate_off_max, 4),
        "windows_compared": outcome.windows,
        "windows_covered": outcome.grid,
        "windows_differ": outcome.windows_differ,
        "kpis_empty": list(outcome.empty),
        "kpis": [
            {
                "kpi": tally.name,
                "cells_compared": tally.cells,
                "cells_differ": tally.cells_differ,
                "windows_compared": tally.windows,
                "windows_covered": tally.grid,
                "windows_differ": tally.windows_differ,
                "rows_not_0": tally.filled,
                "examples": [asdict(example) for example in tally.examples],
            }
            for tally in outcome.tallies
        ],
        "counters": {
            name: {"ours": ours, "recomputed": exact}
            for name, (ours, exact) in outcome.counters.items()
        },
        "seconds": {
            "replay": round(found.replay_s, 1),
            "recompute": round(found.recompute_s, 1),
            "compare": round(found.compare_s, 1),
        },
    }


def _print(found: Verified) -> None:
    outcome = found.comparison
    print_table(
        ("kpi", "pane cells", "differ", "windows", "on the grid", "differ", "rows not 0"),
        [
            (t.name, t.cells, t.cells_differ, t.windows, t.grid, t.windows_differ, t.filled)
            for t in outcome.tallies
        ],
    )
    for tally in outcome.tallies:
        for example in tally.examples:
            _say(f"{tally.name}: {example.where}: {example.ours}, recomputed {example.recomputed}")
    print_table(
        ("counter", "ours", "recomputed"),
        [(name, ours, exact) for name, (ours, exact) in outcome.counters.items()],
    )
    if outcome.empty:
        _say(f"equal because there is nothing of them in these events: {', '.join(outcome.empty)}")
    _say(
        f"{found.events} events, {found.records} records read back:"
        f" replayed in {found.replay_s:.1f} s, recomputed in {found.recompute_s:.1f} s,"
        f" compared in {found.compare_s:.1f} s"
    )
    _say(
        "windows were compared at every end where a pane comes in or leaves; nothing changes"
        f" between: {outcome.windows} stand for {outcome.grid} windows of the grid"
    )
    if outcome.estimates:
        _say(
            f"{outcome.estimates} pane cells are estimates of distinct counts: off by at most"
            f" {outcome.estimate_off_max:.1%}, {SKETCH_TOLERANCE:.1%} allowed"
        )
    _say(
        f"{outcome.cells} pane cells compared, {outcome.cells_differ} differ;"
        f" {outcome.windows} windows compared, {outcome.windows_differ} differ;"
        f" {len(outcome.counters)} counters compared, {outcome.counters_differ} differ"
    )


def _say(text: str) -> None:
    print(text)  # noqa: T201  # the command's answer
