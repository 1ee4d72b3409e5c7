"""Dimension budgets: which combinations of values keep their label in a partition.

The first N combinations of an event type and dimension set, in offset order, are admitted; the
rest counts as ``__other__``, so totals stay exact. What is admitted is part of the checkpoint.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from processors import names

Values = tuple[str, ...]
_JOIN = "\x1f"
_CURRENCY = "currency"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def clean(value: object) -> str:
    """Return the label of one dimension value: absent, invalid, or the value itself."""
    if value is None or value == "":
        return names.NONE_VALUE
    text = str(value)
    if len(text) > names.VALUE_LENGTH_MAX or _CONTROL.search(text):
        return names.INVALID_VALUE
    return text


def admission_scope(event_type: str, dimensions: Values) -> str:
    """Return the scope in which an event type's values of a dimension set are admitted."""
    return f"{event_type}|{','.join(dimensions)}"


class Admission:
    """Admitted value combinations, by scope.

    Args:
        values_max: scope -> how many combinations are kept.
        admitted: scope -> those admitted so far.
    """

    def __init__(
        self, values_max: Mapping[str, int], admitted: Mapping[str, Iterable[str]]
    ) -> None:
        self._values_max = values_max
        self._labels: dict[str, dict[tuple[object, ...], Values]] = {}
        self._admitted: dict[str, set[Values]] = {
            scope: {tuple(joined.split(_JOIN)) for joined in values}
            for scope, values in admitted.items()
        }
        self._fresh: dict[str, list[str]] = {}

    def labels(self, scope: str, dimensions: Values, raw: tuple[object, ...]) -> Values:
        """Return the labels under which raw values count, admitting them if there is room.

        Raw values of a scope must be asked for in offset order of their first appearance.
        """
        known = self._labels.setdefault(scope, {})
        found = known.get(raw)
        if found is not None:
            return found
        cleaned = tuple(map(clean, raw))
        admitted = self._admitted.setdefault(scope, set())
        if cleaned not in admitted:
            if len(admitted) < self._values_max[scope]:
                admitted.add(cleaned)
                self._fresh.setdefault(scope, []).append(_JOIN.join(cleaned))
            else:
                # Money never adds up across currencies, not even in the rest.
                return tuple(
                    value if dimension == _CURRENCY else names.OTHER_VALUE
                    for dimension, value in zip(dimensions, cleaned, strict=True)
                )
        if names.INVALID_VALUE not in cleaned:  # there is no end of invalid spellings
            known[raw] = cleaned
        return cleaned

    def take_fresh(self) -> dict[str, list[str]]:
        """Return what was admitted since the last call, for the checkpoint."""
        fresh, self._fresh = self._fresh, {}
        return fresh
