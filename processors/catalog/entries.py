"""From YAML entries to measures, metrics and defaults: which fields there are, and their shapes.

What an entry says about the rest of the catalogue is judged in :mod:`processors.catalog.checks`.
"""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from processors.catalog import scalars
from processors.catalog.fields import DURATION, STRUCTS, VALUE
from processors.catalog.model import (
    CHANGE,
    Aggregation,
    Alert,
    Bound,
    Defaults,
    Measure,
    Metric,
    MetricType,
    Weights,
    Window,
    window,
)
from processors.catalog.nodes import Node, Problems
from processors.catalog.scalars import Fault, did_you_mean
from processors.figures import MICRO
from processors.names import UNIT_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from processors.catalog.merge import Entry

SEVERITIES = ("critical", "warning", "info")
DIRECTIONS = ("up", "down", "none")
HISTOGRAM_STATS = ("mean", "p50", "p90", "p95")

Readers = dict[str, "Callable[[Node], Any]"]


def _event_types(node: Node) -> tuple[str, ...]:
    for item in scalars.items(node):
        word = scalars.text(item)
        if word not in STRUCTS:
            raise Fault(item, f"no such event or fact type; {did_you_mean(word, STRUCTS)}")
    found = scalars.words(node)
    if not found:
        raise Fault(node, "a measure of no events stays 0")
    return found


class _Where(NamedTuple):
    """Both kinds of filters: by one of several values, by bounds of a number."""

    values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    bounds: tuple[Bound, ...] = ()


def _where(node: Node) -> _Where:
    values, bounds = [], []
    for field, item in scalars.mapping(node).items():
        if isinstance(item.value, dict):
            bounds.append(_bound(field, item))
        else:
            values.append((field, scalars.words(item)))
    return _Where(tuple(values), tuple(bounds))


_COMPARISONS = ("at_least", "above", "at_most", "below")


def _bound(field: str, node: Node) -> Bound:
    """Read bounds of a number: inclusive in the field's integer unit, whatever was written."""
    low: int | None = None
    high: int | None = None
    for word, item in scalars.mapping(node).items():
        if word not in _COMPARISONS:
            raise Fault(item, f"{word}: unknown; {did_you_mean(word, _COMPARISONS)}")
        limit = _limit(field, item)
        if word in ("at_least", "above"):
            least = limit + (word == "above")
            low = least if low is None else max(low, least)
        else:
            most = limit - (word == "below")
            high = most if high is None else min(high, most)
    if low is None and high is None:
        raise Fault(node, f"no bound: write one of {', '.join(_COMPARISONS)}")
    if low is not None and high is not None and low > high:
        raise Fault(node, "no number lies within: nothing would ever count")
    return Bound(field, low, high)


def _limit(field: str, node: Node) -> int:
    if field == DURATION:
        return scalars.duration_ms(node)
    number = Fraction(scalars.decimal(node)) * (MICRO if field == VALUE else 1)
    if number.denominator != 1:
        raise Fault(node, f"{field} has no such steps: the bound would lie between two numbers")
    return int(number)


def _weights(node: Node) -> Weights:
    fields = scalars.mapping(node)
    if len(fields) != 1:
        raise Fault(node, "weights are by the values of one field: {interaction: {share: 3}}")
    ((field, values),) = fields.items()
    found = tuple((word, scalars.whole(item)) for word, item in scalars.mapping(values).items())
    if not found:
        raise Fault(node, "without values every event counts 1: leave it out")
    return Weights(field, found)


def _targets(node: Node) -> str:
    return "" if node.value is None else scalars.decimal(node)


def _dimension_sets(node: Node) -> tuple[tuple[str, ...], ...]:
    found: list[tuple[str, ...]] = []
    if isinstance(node.value, str):
        raise Fault(node, "it must be a list of lists: [[], [source]]")
    for item in scalars.items(node):
        if isinstance(item.value, str):
            raise Fault(item, "each dimension set is a list of its own: [[], [source]]")
        words = scalars.words(item)
        if any(set(words) == set(known) for known in found):
            raise Fault(item, "the set stands there twice: every cell would be stored twice")
        found.append(words)
    if not found:
        raise Fault(node, "without a dimension set nothing is shown; [[]] is the total")
    return tuple(found)


def _windows(node: Node) -> tuple[Window, ...]:
    found: dict[str, Window] = {}
    for item in scalars.items(node):
        try:
            parsed = window(scalars.text(item))
        except ValueError as error:
            raise Fault(item, str(error)) from None
        if parsed.name in found:
            raise Fault(item, f"the window {parsed.name} stands there twice")
        found[parsed.name] = parsed
    if not found:
        raise Fault(node, "without a window nothing is shown")
    return tuple(found.values())


ALERT: Readers = {
    "severity": scalars.choice(SEVERITIES),
    "op": scalars.choice(("above", "below", "drop", "rise")),
    "threshold": scalars.decimal,
    "window": scalars.text,
    "for": scalars.duration_text,
    "samples_min": scalars.whole,
    "by": scalars.words,
    "stat": scalars.choice(("value", *HISTOGRAM_STATS, CHANGE)),
}


def _alerts(node: Node) -> tuple[Alert, ...]:
    return tuple(map(_alert, scalars.items(node)))


def _alert(node: Node) -> Alert:
    problems = Problems()
    read = scalars.read_fields(scalars.mapping(node), ALERT, "", problems)
    for error in problems:
        raise Fault(
            Node(error.value, error.file, error.line), error.consequence, f"alerts.{error.field}"
        )
    missing = [field for field in ("severity", "op", "threshold", "window") if field not in read]
    if missing:
        raise Fault(node, f"no {missing[0]}: no rule can be made of it", f"alerts.{missing[0]}")
    try:
        read["window"] = window(read["window"]).name
    except ValueError as error:
        raise Fault(node, str(error), "alerts.window") from None
    for_ = {"for_": read.pop("for")} if "for" in read else {}
    return Alert(**read, **for_)


MEASURE: Readers = {
    "events": _event_types,
    "agg": scalars.choice(Aggregation),
    "of": scalars.text,
    "where": _where,
    "weights": _weights,
}
METRIC: Readers = {
    "type": scalars.choice(MetricType),
    "label": scalars.text,
    "description": scalars.text,
    "formula": scalars.text,
    "unit": scalars.choice(UNIT_SUFFIX),
    "direction": scalars.choice(DIRECTIONS),
    "numerator": scalars.text,
    "denominator": scalars.text,
    "samples": scalars.text,
    "dimension_sets": _dimension_sets,
    "windows": _windows,
    "stats": scalars.words,
    "headline": scalars.boolean,
    "target": scalars.decimal,
    "alerts": _alerts,
    "matures": scalars.duration_ms,
    "dimension_values_max": scalars.whole,
    "enabled": scalars.boolean,
}
_METRIC_REQUIRED = ("type", "unit", "direction", "numerator", "windows")
_MEASURE_REQUIRED = ("events", "agg")


def _funnel_steps(node: Node) -> tuple[str, ...]:
    for item in scalars.items(node):
        word = scalars.text(item)
        if word not in SESSION_TYPES:
            raise Fault(item, f"no event of sessions; {did_you_mean(word, SESSION_TYPES)}")
    found = scalars.words(node)
    if len(found) < MIN_STEPS:
        raise Fault(node, "a funnel of less than two steps has nothing to pass")
    return found


def _visitor_horizon(node: Node) -> int:
    found = scalars.duration_ms(node)
    if found < _DAY_MS:
        raise Fault(node, "a session with a session_id may pause for a day: it needs 1d at least")
    return found


_DAY_MS = 86_400_000
MIN_STEPS = 2
SESSION_TYPES = (
    "page_view", "add_to_cart", "remove_from_cart", "checkout_started", "purchase",
    "goal_completed",
)  # fmt: skip
ATTRIBUTION_MODELS = ("last", "first", "linear")
RECORD_BYTES_MAX = 450_000  # what is passed on of two such, or of one twice, is below 1 MB


def _record_bytes_max(node: Node) -> int:
    size = scalars.whole(node)
    if size > RECORD_BYTES_MAX:
        raise Fault(
            node,
            f"at most {RECORD_BYTES_MAX}: what is passed on of a longer record could be more than "
            "a broker takes (1 MB), and its partition would wait for ever",
        )
    return size


_OWN_DEFAULTS: Readers = {
    "record_bytes_max": _record_bytes_max,
    "funnel_steps": _funnel_steps,
    "visitor_horizon": _visitor_horizon,
    "attribution_model": scalars.choice(ATTRIBUTION_MODELS),
    "social_mediums": scalars.words,
    "excluded_traffic": scalars.words,
}
DEFAULTS: Readers = {
    field.name.removesuffix("_ms"): (
        scalars.duration_ms if field.name.endswith("_ms") else scalars.whole
    )
    for field in fields(Defaults)
} | _OWN_DEFAULTS


def read_measure(entry: Entry, problems: Problems) -> Measure | None:
    """Read a measure; None where a required field is missing or wrong."""
    read = scalars.read_fields(entry.fields, MEASURE, entry.id, problems)
    if not _complete(entry, read, _MEASURE_REQUIRED, "nothing can be added up", problems):
        return None
    where = read.get("where", _Where())
    return Measure(
        name=entry.id,
        events=read["events"],
        agg=Aggregation(read["agg"]),
        of=read.get("of", ""),
        where=where.values,
        bounds=where.bounds,
        weights=read.get("weights"),
    )


def read_metric(entry: Entry, problems: Problems) -> Metric | None:
    """Read a metric as it is written; None where a required field is missing or wrong."""
    read = scalars.read_fields(entry.fields, METRIC, entry.id, problems)
    if not _complete(entry, read, _METRIC_REQUIRED, "the KPI cannot be worked out", problems):
        return None
    read.pop("enabled", None)
    label = read.setdefault("label", entry.id.replace("_", " ").capitalize())
    read.setdefault("description", f"{label}.")
    read.setdefault("formula", _formula(read))
    read["type"] = MetricType(read["type"])
    read["matures_ms"] = read.pop("matures", 0)
    return Metric(id=entry.id, family=entry.family, file=entry.file, line=entry.line, **read)


def read_defaults(entry: Mapping[str, Node], problems: Problems) -> Defaults:
    """Read the times that shape keyed figures."""
    read = scalars.read_fields(entry, DEFAULTS, "defaults", problems)
    names = {field.name.removesuffix("_ms"): field.name for field in fields(Defaults)}
    return Defaults(**{names[name]: value for name, value in read.items()})


def read_targets(entry: Mapping[str, Node], problems: Problems) -> dict[str, str]:
    """Read named figures that ``target`` may name beside KPIs."""
    return scalars.read_fields(entry, dict.fromkeys(entry, _targets), "targets", problems)


def _formula(read: Mapping[str, Any]) -> str:
    denominator = read.get("denominator")
    return f"{read['numerator']} / {denominator}" if denominator else str(read["numerator"])


def _complete(
    entry: Entry,
    read: Mapping[str, Any],
    required: tuple[str, ...],
    consequence: str,
    problems: Problems,
) -> bool:
    for field in required:
        if field not in entry.fields:
            node = Node(None, entry.file, entry.line)
            problems.add(node, entry.id, field, f"it is missing: {consequence}")
    return all(field in read for field in required)
