"""What the recomputation's window holds while it moves from end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.histogram import BUCKET_BOUNDS_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from streams.verify.series import Change, Source


class Held:
    """What is read -> dimension values -> component -> amount; what is 0 is not there."""

    def __init__(self) -> None:
        self._amounts: dict[Source, dict[str, dict[str, int]]] = {}

    def set(self, change: Change) -> None:
        """Replace one cell."""
        values = self._amounts.setdefault(change.source, {})
        cells = values.setdefault(change.key, {})
        if change.amount:
            cells[change.component] = change.amount
        else:
            cells.pop(change.component, None)
            if not cells:
                del values[change.key]

    def keys(self, source: Source) -> Collection[str]:
        """Return the dimension values of which there is anything."""
        return self._amounts.get(source, {}).keys()

    def number(self, source: Source, key: str) -> int:
        """Return a count, sum or number of distinct members; of a histogram the count."""
        return self.numbers(source)(key)

    def numbers(self, source: Source) -> Callable[[str], int]:
        """Return :meth:`number` of one source."""
        values = self._amounts.get(source, {})

        def number(key: str) -> int:
            cells = values.get(key)
            if not cells:
                return 0
            if "" in cells:
                return cells[""]
            return sum(amount for component, amount in cells.items() if component != "sum")

        return number

    def longest(self, source: Source) -> Callable[[str], int | None]:
        """Return the lower bound (ms) of the highest bucket that holds anything, if any does."""

        def lower_ms(key: str) -> int | None:
            counts, _ = self.buckets(source, key)
            highest = max((index for index, count in counts.items() if count > 0), default=None)
            return None if highest is None else (0, *BUCKET_BOUNDS_MS)[highest]

        return lower_ms

    def buckets(self, source: Source, key: str) -> tuple[dict[int, int], int]:
        """Return a histogram's buckets and the sum of its durations (ms)."""
        cells = self._amounts.get(source, {}).get(key, {})
        counts = {int(name[1:]): n for name, n in cells.items() if name != "sum"}
        return counts, cells.get("sum", 0)
