"""Reading several fields of an event at once, absent ones as None."""

from __future__ import annotations

from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def readable(struct: type, fields: Sequence[str]) -> set[str]:
    """Return those of the fields that a struct has, properties included."""
    known = set(struct.__struct_fields__)  # type: ignore[attr-defined]
    return {f for f in fields if f in known or isinstance(getattr(struct, f, None), property)}


def field_getter(struct: type, fields: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that reads ``fields`` of a struct as a tuple; absent fields read None."""
    known = readable(struct, fields)
    present = [name for name in fields if name in known]
    if not present:
        nothing = (None,) * len(fields)
        return lambda _event: nothing
    if len(present) == 1:
        one = attrgetter(*present)
        if len(fields) == 1:
            return lambda event: (one(event),)
        return lambda event: tuple(one(event) if name in known else None for name in fields)
    several = attrgetter(*present)
    if len(present) == len(fields):
        return several
    # What is absent is the None before what is read.
    arranged = itemgetter(*(1 + present.index(name) if name in known else 0 for name in fields))
    return lambda event: arranged((None, *several(event)))


class _Interned(dict[Any, Any]):
    """The latest values, each as one object; a pure cache."""

    def __missing__(self, value: Any) -> Any:
        if len(self) >= _INTERNED_MAX:
            self.clear()
        self[value] = value
        return value


_INTERNED_MAX = 100_000
_INTERNED = _Interned()


def interned(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return equal values as the same objects: states that are kept share them.

    Every event brings texts of its own; a hundred thousand sessions need ``google`` once.
    """
    return tuple(map(_INTERNED.__getitem__, values))
