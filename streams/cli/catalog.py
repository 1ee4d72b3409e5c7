"""``kpi catalog list|show|check|test|explain|diff``: the KPIs as loaded, presets and your own."""

from __future__ import annotations

import difflib
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from processors.catalog.load import check_catalog
from processors.errors import CheckFailedError, UsageError
from streams.catalog_files import catalog_sources, read_catalog
from streams.cli.catalog_diff import add_arguments as add_diff_arguments
from streams.cli.catalog_diff import run_diff
from streams.cli.catalog_explain import run_explain
from streams.cli.catalog_test import run_test
from streams.cli.output import add_format, print_json, print_table

if TYPE_CHECKING:
    import argparse

    from processors.catalog.model import Catalog, Metric
    from streams.cli.registry import Subparsers
    from streams.settings import Settings

EPILOG = """\
examples:
  kpi catalog list --family site
  kpi catalog show conversion_rate --format json
  kpi catalog explain cost_per_click    in plain words, with the present value taken apart
  kpi catalog explain --event e.json    which KPIs an event would change, and by how much
  kpi catalog check ./my-kpis           before they are deployed; exit code 1 where one is wrong
  kpi catalog test ./my-kpis            their golden cases (docs/catalogue.md); 1 where one fails
  kpi catalog diff ./my-kpis            what they would change, in words
  kpi catalog diff ./my-kpis --dry-run --from 2026-03-01T00:00:00Z      and in figures
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``catalog``."""
    parser = subparsers.add_parser(
        "catalog",
        help="list, show and check the KPIs",
        description="List, show and check the KPIs: the presets, and --catalog-dir over them.",
        epilog=EPILOG,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="every KPI, one line each")
    listing.add_argument("--family", help="only this family")
    show = actions.add_parser("show", help="everything about one KPI")
    show.add_argument("kpi", metavar="KPI", help="the KPI's id")
    check = actions.add_parser("check", help="load the catalogue and say what is wrong")
    check.add_argument(
        "directory", metavar="DIRECTORY", nargs="?", help="your KPIs (--catalog-dir)"
    )
    test = actions.add_parser("test", help="work out the golden cases beside your KPIs")
    test.add_argument("directory", metavar="DIRECTORY", nargs="?", help="your KPIs (--catalog-dir)")
    explaining = actions.add_parser("explain", help="a KPI in plain words, or what events change")
    explaining.add_argument("kpi", metavar="KPI", nargs="?", help="the KPI's id")
    explaining.add_argument("--event", metavar="FILE", help="events as JSON; - is the input")
    diff = actions.add_parser("diff", help="what another directory of KPIs would change")
    add_diff_arguments(diff)
    for action in (listing, show, check, test, explaining, diff):
        add_format(action)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Do one of the actions."""
    if args.action in ("check", "test"):
        if args.directory:
            settings = replace(settings, catalog_dir=args.directory)
        return (_check if args.action == "check" else run_test)(settings, args.format)
    if args.action == "diff":
        return run_diff(args, settings)
    catalog = read_catalog(settings)
    if args.action == "explain":
        return run_explain(args, settings, catalog)
    if args.action == "show":
        _show(catalog, args.kpi, args.format)
    else:
        _list(catalog, args.family, args.format)
    return 0


def _list(catalog: Catalog, family: str | None, output: str) -> None:
    families = sorted({metric.family for metric in catalog.metrics.values()})
    if family is not None and family not in families:
        raise UsageError(f"there is no family {family!r}: there are {', '.join(families)}")
    metrics = [m for m in catalog.metrics.values() if family in (None, m.family)]
    metrics.sort(key=lambda m: (m.family, m.id))
    if output == "json":
        print_json([describe(catalog, metric) for metric in metrics])
        return
    rows = [
        (m.family, m.id, m.unit, m.direction, " ".join(w.name for w in m.windows), _sets(m))
        for m in metrics
    ]
    print_table(("family", "kpi", "unit", "better", "windows", "by"), rows)


def _show(catalog: Catalog, kpi: str, output: str) -> None:
    metric = catalog.metrics.get(kpi)
    if metric is None:
        close = difflib.get_close_matches(kpi, list(catalog.metrics), n=3)
        hint = f": did you mean {' or '.join(close)}?" if close else ": see kpi catalog list"
        raise UsageError(f"there is no KPI {kpi!r}{hint}")
    described = describe(catalog, metric)
    if output == "json":
        print_json(described)
        return
    described["by"] = _sets(metric)
    described["measures"] = "; ".join(
        f"{m['name']} = {m['agg']} of {' '.join(m['events'])}" + (f".{m['of']}" if m["of"] else "")
        for m in described["measures"]
    )
    rows = [(k, " ".join(v) if isinstance(v, list) else v) for k, v in described.items()]
    print_table(("field", "value"), [row for row in rows if row[1] not in ("", None)])


def _check(settings: Settings, output: str) -> int:
    errors = check_catalog(catalog_sources(settings))
    if output == "json":
        keys = ("file", "line", "subject", "field", "consequence")
        faults = [{key: getattr(error, key) for key in keys} for error in errors]
        print_json({"ok": not errors, "errors": faults})
    elif errors:
        for error in errors:
            sys.stderr.write(f"kpi: {error}\n")
    else:
        catalog = read_catalog(settings)
        counts = {"KPIs": len(catalog.metrics), "measures": len(catalog.measures)}
        print_table(("checked", "count"), list(counts.items()))
    return CheckFailedError.exit_code if errors else 0


def describe(catalog: Catalog, metric: Metric) -> dict[str, Any]:
    """Return a KPI's definition as JSON-able values."""
    expressions = f"{metric.numerator} {metric.denominator} {metric.samples}".split()
    words = {word.strip("()") for word in expressions}
    return {
        "kpi": metric.id,
        "family": metric.family,
        "label": metric.label,
        "description": metric.description,
        "formula": metric.formula,
        "type": metric.type.value,
        "unit": metric.unit,
        "direction": metric.direction,
        "numerator": metric.numerator,
        "denominator": metric.denominator,
        "samples": metric.samples,
        "by": [list(dimensions) for dimensions in metric.dimension_sets],
        "windows": [window.name for window in metric.windows],
        "stats": list(metric.stats),
        "target": metric.target,
        "measures": [
            {"name": m.name, "events": list(m.events), "agg": m.agg.value, "of": m.of}
            for m in catalog.measures.values()
            if m.name in words
        ],
        "defined": f"{metric.file}:{metric.line}",
    }


def _sets(metric: Metric) -> str:
    """Write the dimension sets as ``--by`` takes them; the total is ``-``."""
    return " ".join(",".join(dimensions) or "-" for dimensions in metric.dimension_sets)
