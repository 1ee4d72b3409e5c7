"""Settle the rows whose JSON DuckDB reads loosely, with the standard library's strict reader.

Few rows, if any, come here: NaN, trailing commas, a field twice, numbers longer than a double.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import duckdb

_AMOUNTS: Final = ("value", "price", "unit_cost")


def settle(con: duckdb.DuckDBPyConnection) -> None:
    """Rewrite the loose rows of ``parsed``: plain JSON, or marked as none."""
    rows = con.execute("select topic, part, off, body from parsed where loose").fetchall()
    if not rows:
        return
    topics, parts, offs, bodies = (list(values) for values in zip(*rows, strict=True))
    con.execute(
        """
        update parsed set body = s.body, is_json = s.body is not null,
            is_object = coalesce(json_type(s.body) = 'OBJECT', false)
        from (select unnest($1::varchar[]) topic, unnest($2::int[]) part,
                     unnest($3::bigint[]) off, unnest($4::varchar[]) body) s
        where parsed.topic = s.topic and parsed.part = s.part and parsed.off = s.off
        """,
        [topics, parts, offs, [plain(body) for body in bodies]],
    )


def plain(body: str) -> str | None:
    """Return the same JSON without its pitfalls, None if it is no JSON.

    An amount becomes a string of all its digits; the last of two equal keys stays.
    """
    try:
        found = json.loads(body, parse_float=Decimal, parse_constant=_refuse)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return json.dumps(None) if found is None else "[]"
    return json.dumps(_digits("", found), default=float)


def _digits(name: str, value: Any) -> Any:
    """Spell amounts as strings, at any depth; everything else stays."""
    if isinstance(value, dict):
        return {inner: _digits(inner, held) for inner, held in value.items()}
    if isinstance(value, list):
        return [_digits("", held) for held in value]
    if name in _AMOUNTS and isinstance(value, Decimal | int) and not isinstance(value, bool):
        return str(value)
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
