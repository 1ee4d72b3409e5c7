"""Which records count: the documented rules as column expressions over the parsed log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.verify.schema import EVENT_TYPES, fields_of, types_with
from streams.verify.sql import column, statement, text, texts
from streams.verify.strict import settle

if TYPE_CHECKING:
    import duckdb


def judge(con: duckdb.DuckDBPyConnection) -> None:
    """Create ``judged``: every record with its fields, micro-units and fault."""
    con.execute(statement("macros"))
    con.execute(statement("parsed"))
    settle(con)
    con.execute(statement("items"))
    seen = con.execute(
        "select distinct json_extract_string(body, '$.type') from parsed where is_object"
    ).fetchall()
    seen_types = {str(row[0]) for row in seen if row[0] in EVENT_TYPES}
    fields = fields_of(set(EVENT_TYPES))
    read = fields_of(seen_types)  # the others stay columns, empty: later steps name them all
    con.execute(
        statement(
            "judged",
            paths="".join(f", {text(f'$.{name}')}" for name in read),
            columns=",\n".join(_column(name, read) for name in fields),
            kept=", ".join(column(name) for name in fields if name != "ts"),
            wrong_type=_any(_wrong(name) for name in fields if name != "value"),
            wrong_amount=_any([_wrong("value")]),
            missing=_any(_missing(name) for name in fields),
            known=_known(),
            has_amount=f"value is not null and {_is(types_with('value'))}",
            needs_identity=_is([name for name, event in EVENT_TYPES.items() if event.identity]),
        )
    )


def _column(name: str, read: list[str]) -> str:
    """Read a field, only from the types that carry it: anything else is nobody's field."""
    value, kind = column(name), column(f"{name}_kind")
    if name not in read:
        return f"null::varchar as {value}, null::varchar as {kind}"
    carried, index = _is(types_with(name)), read.index(name) + 2  # 1 is the type's
    return (
        f"case when {carried} and kinds[{index}] <> 'NULL' then texts[{index}] end as {value},"
        f" case when {carried} then kinds[{index}] end as {kind}"
    )


def _is(types: list[str]) -> str:
    return f"coalesce(type in ({texts(types)}), false)"


def _known() -> str:
    """The type belongs to the record's topic; a tick to any."""
    topics = sorted({event.topic for event in EVENT_TYPES.values() if event.topic})
    of_topic = {
        topic: [name for name, event in EVENT_TYPES.items() if event.topic in ("", topic)]
        for topic in topics
    }
    return _any(f"topic = {text(topic)} and {_is(types)}" for topic, types in of_topic.items())


def _any(conditions: object) -> str:
    return " or ".join(f"({c})" for c in conditions if c) or "false"  # type: ignore[attr-defined]


def _wrong(name: str) -> str:
    """The field is there with a JSON type that it must not have; null only where optional."""
    value, kind = column(name), column(f"{name}_kind")
    right = {
        "text": f"{kind} = 'VARCHAR'",
        "int": f"is_integer({kind}, {value})",
        "amount": f"is_amount({kind}, {value})",
        "items": f"{kind} = 'ARRAY'",
    }
    right["ts"] = f"{right['text']} or {right['int']}"
    faults = []
    for bare, condition in right.items():
        if optional := types_with(name, bare):
            faults.append(
                f"{_is(optional)} and {kind} is not null and {kind} <> 'NULL' and not ({condition})"
            )
        if required := types_with(name, f"{bare}!"):
            faults.append(f"{_is(required)} and {kind} is not null and not ({condition})")
    return _any(faults) if faults else ""


def _missing(name: str) -> str:
    """The field is absent; or empty, which says as little."""
    required = types_with(name, "text!", "int!", "amount!", "ts!")
    texts_required = types_with(name, "text!")
    absent = f"{_is(required)} and {column(name + '_kind')} is null" if required else ""
    empty = f"{_is(texts_required)} and {column(name)} = ''" if texts_required else ""
    return _any((absent, empty)) if absent else ""
