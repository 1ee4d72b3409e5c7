"""One KPI's series: rows as lines of the exposition, their names and labels written once.

prometheus_client writes every series when it is first seen, and the head of every family; later
only the number behind the series is written anew. That is a tenth of the time, and with many KPIs
nothing else in the exporter takes as long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from prometheus_client.core import Metric as Family
from prometheus_client.exposition import generate_latest
from prometheus_client.utils import floatToGoString

from processors import names
from processors.catalog.model import CHANGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from processors.catalog.model import Metric
    from processors.evaluate import Row
    from streams.exporter.encoding import Encoding

COMPANIONS: Final = {
    "numerator": "what stands above the fraction line of",
    "denominator": "what stands below the fraction line of",
    "samples": "how much stands behind",
}
FINAL_HELP: Final = " At the watermark: complete but for late events."
_VALUE: Final = "value"
_number: Callable[[float], str] = floatToGoString


class _Lines(NamedTuple):
    """What stands before the numbers of one row's lines; empty where there is no line."""

    value: str
    numerator: str
    denominator: str
    samples: str


class KpiSeries:
    """Writes one KPI, live or final.

    What is undefined has no line: never 0 or NaN.
    """

    def __init__(self, metric: Metric, *, final: bool) -> None:
        self._metric = metric
        self._several = len(set(metric.stats) - {CHANGE}) > 1
        self._families = _families(metric, final=final)
        self._lines: dict[tuple[str, ...], _Lines] = {}

    def page(self, rows: Iterable[Row], encoding: Encoding) -> list[str]:
        """Return the lines of all rows, by family, each under its head."""
        lines: dict[str, list[str]] = {name: [] for name in self._families}
        value, change = lines[_VALUE], lines[CHANGE]
        over, under, samples = (lines[name] for name in COMPANIONS)
        known, seen = self._lines, {}
        for row in rows:
            key = (row.window, row.stat, *row.dimensions, *row.dimensions.values())
            before = known.get(key)
            if before is None:
                before = self._written(row)
            seen[key] = before
            if row.value is not None:
                into = change if row.stat == CHANGE else value
                into.append(f"{before.value}{_number(float(row.value))}\n")
            if before.samples:
                samples.append(f"{before.samples}{_number(row.samples)}\n")
                if row.numerator is not None:
                    over.append(f"{before.numerator}{_number(float(row.numerator))}\n")
                if row.denominator is not None:
                    under.append(f"{before.denominator}{_number(float(row.denominator))}\n")
        self._lines = seen  # series that are gone are forgotten
        page: list[str] = []
        for name, found in lines.items():
            if found:
                page.append(encoding.text((self._families[name],)))
                page += found
        return page

    def _written(self, row: Row) -> _Lines:
        labels = {
            names.LABEL_WINDOW: row.window,
            names.LABEL_BY: names.by_value(row.dimensions),
            **row.dimensions,
        }
        stat = {names.LABEL_STAT: row.stat} if self._several and row.stat != CHANGE else {}
        value = self._before(CHANGE if row.stat == CHANGE else _VALUE, {**labels, **stat})
        if row.stat != self._metric.stats[0]:
            return _Lines(value, "", "", "")
        return _Lines(value, *(self._before(companion, labels) for companion in COMPANIONS))

    def _before(self, name: str, labels: dict[str, str]) -> str:
        """Return a sample's line without its number."""
        family = Family(self._families[name].name, "", "gauge")
        family.add_sample(family.name, labels, 0)
        return generate_latest(_One(family)).decode().splitlines()[-1].removesuffix("0.0")


class _One:
    """One family as prometheus_client's encoders want it."""

    def __init__(self, family: Family) -> None:
        self._family = family

    def collect(self) -> Iterable[Family]:
        return (self._family,)


def _families(metric: Metric, *, final: bool) -> dict[str, Family]:
    """Return the KPI's families without samples, by what they hold, in the page's order."""
    ended = FINAL_HELP if final else ""
    name = names.metric_name(metric.id, metric.unit, final=final)
    unit = names.UNIT_SUFFIX[metric.unit].removeprefix("_")
    text = f"{metric.description} Formula: {metric.formula}.{ended}"
    families = {_VALUE: Family(name, text, "gauge", unit)}
    for companion, meaning in COMPANIONS.items():
        families[companion] = Family(
            names.companion_name(metric.id, companion, final=final),
            f"{metric.label}: {meaning} {name}.{ended}",
            "gauge",
        )
    families[CHANGE] = Family(
        names.companion_name(metric.id, names.CHANGE_RATIO, final=final),
        f"{metric.label}: what it gained on the window before, as a share of it.{ended}",
        "gauge",
        "ratio",
    )
    return families
