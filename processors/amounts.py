"""Amounts: JSON numbers or decimal strings, into exact micro-units."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

import msgspec

from processors.event import NO_AMOUNT

Fault = tuple[str, str, str]
"""(reason, field, detail)"""

AMOUNT_MAX: Final = Decimal(1_000_000_000)
_DECIMALS: Final = 6
_MICRO: Final = Decimal("0.000001")
# What nearly every amount looks like; a string's quotes always come as a pair.
_PLAIN: Final = re.compile(rb'"?([0-9]{1,9})(?:\.([0-9]{1,6}))?"?')
# Decimal() itself would also take "1_0", " 1 ", digits of other scripts, NaN and Infinity.
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@lru_cache(maxsize=65_536)
def read_amount(text: bytes) -> int | str:
    """Return the micro-units of an amount's JSON, or what is wrong with it."""
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        whole, decimals = plain.groups()
        return int(whole) * 1_000_000 + int((decimals or b"").ljust(_DECIMALS, b"0"))
    return _read_unusual(text)


def _read_unusual(text: bytes) -> int | str:
    digits = msgspec.json.decode(text) if text[:1] == b'"' else text.decode()
    if _NUMBER.fullmatch(digits) is None:
        return f"{digits[:40]!r} is not a number: no sum could hold it"
    value = Decimal(digits)
    if value < 0:
        return f"{digits[:40]} is negative: publish a refund instead"
    if value >= AMOUNT_MAX:
        return f"{digits[:40]} is not below {AMOUNT_MAX}"
    micro = value.quantize(_MICRO)
    if micro != value:
        return f"{digits[:40]} has more than {_DECIMALS} decimals: sums would be inexact"
    return int(micro.scaleb(_DECIMALS))


def micro_of(amount: msgspec.Raw, field: str) -> tuple[int, Fault | None]:
    """Return an amount's micro-units, or what is wrong with it."""
    found = read_amount(bytes(amount))
    if isinstance(found, int):
        return found, None
    return 0, ("invalid_amount", field, found)


def is_given(amount: msgspec.Raw) -> bool:
    """Tell whether there is an amount: neither absent nor null."""
    return amount is not NO_AMOUNT and bytes(amount) != b"null"


def micro_of_optional(amount: msgspec.Raw, field: str) -> tuple[int, Fault | None]:
    """Return an amount's micro-units, 0 where there is none, or what is wrong with it."""
    return micro_of(amount, field) if is_given(amount) else (0, None)
