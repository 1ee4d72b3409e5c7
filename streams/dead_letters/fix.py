"""Changes to a record before it is retried: fields set, renamed or taken away."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from processors.errors import UsageError
from streams.collector.exact import decode_object, encode

_NO_TEXT: Final = frozenset({"ts", "value", "quantity", "items", "properties"})
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class Fix:
    """What to change in each record; without any change a record stays as it is, to the byte.

    Attributes:
        renamed: (old name, new name), first of all; a field that is not there is left alone.
        dropped: names of fields to take away.
        values: name -> value.
    """

    renamed: tuple[tuple[str, str], ...] = ()
    dropped: tuple[str, ...] = ()
    values: tuple[tuple[str, Any], ...] = ()

    def apply(self, record: str) -> str:
        """Return the record as it is to be retried; what is no object stays as it is."""
        if not (self.renamed or self.dropped or self.values):
            return record
        try:
            event = decode_object(record.encode("utf-8", "surrogatepass"))
        except ValueError:
            return record
        for old, new in self.renamed:
            if old in event:
                event[new] = event.pop(old)
        for name in self.dropped:
            event.pop(name, None)
        event.update(self.values)
        return encode(event).decode()


def parse_fix(values: list[str], renamed: list[str], dropped: list[str]) -> Fix:
    """Read ``NAME=VALUE``, ``OLD=NEW`` and ``NAME``; numbers are read where a field holds one.

    Raises:
        UsageError: one cannot be read.
    """
    return Fix(
        tuple(_pair("--rename", text, check_value=True) for text in renamed),
        tuple(_name("--drop", text, text) for text in dropped),
        tuple(_valued(_pair("--set", text)) for text in values),
    )


def _valued(pair: tuple[str, str]) -> tuple[str, Any]:
    """Read the value of a field that may be no text; an amount keeps its digits as text."""
    name, text = pair
    if name not in _NO_TEXT:
        return pair
    try:
        value = json.loads(text)
    except ValueError:
        return pair
    return name, text if isinstance(value, float) else value


def _pair(flag: str, text: str, *, check_value: bool = False) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{flag} {text!r}: NAME=VALUE is meant, there is no =")
    _name(flag, text, name)
    return name, _name(flag, text, value) if check_value else value


def _name(flag: str, text: str, name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError(f"{flag} {text!r}: {name!r} is no field's name")
    return name
