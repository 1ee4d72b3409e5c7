"""The reference documentation of every KPI, from the catalogue."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from processors.explain import example
from processors.inputs import inputs_of
from processors.names import CURRENCY, metric_name
from processors.words import event_fields, leaves, published_events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from processors.catalog.model import Catalog, Metric

_HEAD = """\
<!-- DO NOT EDIT: generated from the catalogue by kpi generate -->
# The KPIs

Each is one entry of `processors/catalog/*.yaml`; docs/catalogue.md says how to write one. *Better*
says which way is good. Amounts of money are by currency, always. Where a side of a ratio is empty
the KPI is absent, never 0.
"""


def reference(catalog: Catalog) -> str:
    """Return the document as Markdown."""
    metrics = sorted(catalog.metrics.values(), key=attrgetter("family", "id"))
    lines = [_HEAD, "| KPI | family | unit | better | formula |", "|---|---|---|---|---|"]
    lines += [
        f"| [{m.id}](#{m.id}) | {m.family} | {m.unit} | {m.direction} | {_cell(m.formula)} |"
        for m in metrics
    ]
    for family, members in groupby(metrics, key=attrgetter("family")):
        lines += ["", f"## {family.capitalize()}"]
        for metric in members:
            lines += ["", *_entry(catalog, metric)]
    return "\n".join(lines) + "\n"


def _entry(catalog: Catalog, metric: Metric) -> Iterator[str]:
    computed = f"`{metric.numerator}`"
    if metric.denominator:
        computed += f" / `{metric.denominator}`"
    yield f"### {metric.id}"
    yield ""
    yield f"**{metric.label}.** {metric.description}"
    yield ""
    yield f"- Formula: {metric.formula}"
    yield f"- Computed: {computed}"
    for leaf, words in leaves(catalog, metric).items():
        yield f"  - `{leaf}`: {words}"
    yield f"- Events: {_code(published_events(catalog, metric))}"
    yield f"- Fields: {_code(event_fields(catalog, metric))}"
    inputs = inputs_of(catalog, metric)
    if inputs:
        yield f"- Absent until these have arrived: {_code(inputs)}"
    yield f"- Windows: {', '.join(window.name for window in metric.windows)}"
    by = [_set(names) for names in metric.dimension_sets]
    yield f"- By: {'; '.join(by)}"
    if metric.stats != ("value",):
        yield f"- Figures: {', '.join(metric.stats)}"
    if metric.target:
        yield f"- Target: {metric.target}"
    worked = example(catalog, metric)
    parts = ", ".join(f"{leaf} {figure}" for leaf, figure in worked["parts"].items())
    gives = ", ".join(
        str(figure) if stat == "value" else f"{stat} {figure}"
        for stat, figure in worked["gives"].items()
    )
    yield f"- Example: {parts} give {gives or 'nothing'}"
    live, final = (metric_name(metric.id, metric.unit, final=final) for final in (False, True))
    yield f"- Prometheus: `{live}`, final `{final}`"


def _set(names: tuple[str, ...]) -> str:
    return ", ".join(name for name in names if name != CURRENCY) or "total"


def _code(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words) or "none"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
