"""What is known of a running exporter, put together: a line a KPI, and one a dimension value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from processors.names import CURRENCY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PARTS_MAX: Final = 5
_VALUE: Final = "value"
_CHANGE: Final = "change"


@dataclass(frozen=True)
class Line:
    """One figure with all that is said of it.

    Attributes:
        name: the KPI's label, with stat and currency where there are several; or a part's values.
        part: whether it is a value of a breakdown.
        state: ``ok`` or ``off`` its target; empty without one.
        better: whether the change is for the better; None where nobody can say.
        waiting: which input it waits for; empty where it does not.
        course: its values, old to new.
    """

    kpi: str
    family: str
    name: str
    headline: bool
    part: bool
    window: str
    dimensions: Mapping[str, str]
    stat: str
    unit: str
    value: float | str | None
    samples: int
    target: float | None
    state: str
    change: float | None
    better: bool | None
    age_ms: int | None
    provisional: bool
    complete: bool
    waiting: str
    course: tuple[float | None, ...] = ()


@dataclass
class Picture:
    """Definitions, rows, courses and health, as they come in."""

    catalog: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rows: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)
    courses: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)
    health: dict[str, Any] = field(default_factory=dict)
    now_ms: int = 0
    stale: str = ""

    @property
    def families(self) -> list[str]:
        """The families, in the catalogue's order."""
        return list(dict.fromkeys(str(one["family"]) for one in self.catalog.values()))

    def take_rows(self, event: Mapping[str, Any], *, first: bool) -> None:
        """Take in an event of the stream; the first of a connection holds every row."""
        if first:
            self.rows = {}
        for key in event["gone"]:
            self.rows.pop(tuple(key), None)
        for row in event["rows"]:
            self.rows[_key(row)] = row
        self.now_ms = event["now_ms"]
        self.stale = event["reason"] if event["stale"] else ""

    def take_courses(self, answer: Mapping[str, Any]) -> None:
        """Take in how values went."""
        self.courses = {_key(course): course for course in answer["courses"]}

    def lines(self, family: str = "") -> list[Line]:
        """Return what there is to show: headline KPIs first, then family by family."""
        by_kpi: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows.values():
            by_kpi.setdefault(row["kpi"], []).append(row)
        wanted = [one for one in self.catalog.values() if family in ("", one["family"])]
        if not family:
            wanted.sort(key=lambda one: not one["headline"])
        return [line for one in wanted for line in self._lines(one, by_kpi.get(one["kpi"], []))]

    def _lines(self, definition: Mapping[str, Any], rows: list[dict[str, Any]]) -> Iterator[Line]:
        rows = sorted(rows, key=lambda row: -row["samples"])
        totals = [r for r in rows if _is_total(r) and r["stat"] != _CHANGE]
        parts = [r for r in rows if not _is_total(r) and r["stat"] == definition["stats"][0]]
        if not totals and not parts:
            yield self._line(definition, None, definition["label"])
        several = len({row["dimensions"].get(CURRENCY) for row in totals}) > 1
        for row in totals:
            words = [definition["label"]]
            if several:
                words.append(row["dimensions"].get(CURRENCY, ""))
            if row["stat"] != _VALUE:
                words.append(row["stat"])
            yield self._line(definition, row, " ".join(words))
        if parts and not totals:
            yield self._line(definition, None, definition["label"])
        for row in parts[:PARTS_MAX]:
            values = [v for name, v in row["dimensions"].items() if name != CURRENCY]
            yield self._line(definition, row, " · ".join(values), part=True)

    def _line(
        self,
        definition: Mapping[str, Any],
        row: Mapping[str, Any] | None,
        name: str,
        *,
        part: bool = False,
    ) -> Line:
        kpi, direction = definition["kpi"], definition["direction"]
        course = self.courses.get(_key(row)) if row else None
        value = row["value"] if row else None
        change = None if part else self._change(row, course)
        main = row is not None and row["stat"] == definition["stats"][0] and not part
        target = self.health.get("targets", {}).get(kpi, definition["target"]) if main else None
        return Line(
            kpi=kpi,
            family=definition["family"],
            name=name,
            headline=definition["headline"],
            part=part,
            window=row["window"] if row else "",
            dimensions=row["dimensions"] if row else {},
            stat=row["stat"] if row else definition["stats"][0],
            unit=definition["unit"],
            value=value,
            samples=row["samples"] if row else 0,
            target=target,
            state=_state(value, target, direction),
            change=change,
            better=None
            if not change or direction == "none"
            else (change > 0) == (direction == "up"),
            age_ms=self.health.get("freshness_ms", {}).get(kpi),
            provisional=bool(row and row["provisional"]),
            complete=bool(row is None or row["complete"]),
            waiting="" if part or value is not None else self._waiting(kpi, row),
            course=_values(course, row),
        )

    def _change(
        self, row: Mapping[str, Any] | None, course: Mapping[str, Any] | None
    ) -> float | None:
        """Return what a value gained on the window before: by its own stat, else by its course."""
        if row is None:
            return None
        own = self.rows.get(_key({**row, "stat": _CHANGE}))
        if own is not None and own["value"] is not None:
            return float(own["value"])
        before = course["points"][-1][2] if course else None
        if before is None or row["value"] is None or float(before) == 0:
            return None
        return (float(row["value"]) - float(before)) / abs(float(before))

    def _waiting(self, kpi: str, row: Mapping[str, Any] | None) -> str:
        texts: Mapping[str, str] = self.health.get("waiting", {}).get(kpi, {})
        if row is not None:
            return texts.get(row["window"], "")
        return next(iter(texts.values()), "")


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a row's identity, as the stream names rows that are gone."""
    dimensions = row["dimensions"]
    return (row["kpi"], row["stat"], row["window"], *dimensions, *dimensions.values())


def _is_total(row: Mapping[str, Any]) -> bool:
    return set(row["dimensions"]) <= {CURRENCY}


def _state(value: float | str | None, target: float | None, direction: str) -> str:
    if value is None or target is None or direction == "none":
        return ""
    reached = float(value) >= target if direction == "up" else float(value) <= target
    return "ok" if reached else "off"


def _values(
    course: Mapping[str, Any] | None, row: Mapping[str, Any] | None
) -> tuple[float | None, ...]:
    """Return a course's values, the live one as the last."""
    if course is None or row is None:
        return ()
    values = [None if value is None else float(value) for _, value, _ in course["points"]]
    live = [] if row["value"] is None else [float(row["value"])]
    return (*values, *live)
