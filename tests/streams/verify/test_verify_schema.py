"""The recomputation's table of fields and the live decoder's structs are the same contract."""

from __future__ import annotations

import msgspec

from processors.event import STRUCT_BY_TYPE, Text
from processors.facts import FACT_BY_TYPE
from streams.verify.kinds import KIND_BY_FACT, fact_fields
from streams.verify.schema import EVENT_TYPES, TICK

KINDS = {
    "str": "text",
    "int": "int",
    "int | str": "ts",
    "list[processors.event.Item]": "items",
}


def kind_of(field: msgspec.structs.FieldInfo) -> str:
    """Return the table's word for a struct's field."""
    if field.type is msgspec.Raw:
        return "amount!" if field.required else "amount"
    if field.type == Text:
        return "text!"
    name = str(getattr(field.type, "__name__", field.type))
    optional = name.endswith(" | None")
    return KINDS[name.removesuffix(" | None")] + ("" if optional else "!")


def test_types_and_fields_are_the_same() -> None:
    """Both know the same types, topics, fields, kinds and what an event must carry."""
    structs = {
        name: (
            struct.topic,
            {f.name: kind_of(f) for f in msgspec.structs.fields(struct) if f.name != "micro"},
        )
        for name, struct in STRUCT_BY_TYPE.items()
    }
    table = {name: (e.topic, dict(e.fields)) for name, e in EVENT_TYPES.items() if name != TICK}
    assert table == structs


def test_facts_and_their_fields_are_the_same() -> None:
    """Every fact that the product concludes is recomputed, with the same fields."""
    assert KIND_BY_FACT.keys() == FACT_BY_TYPE.keys()
    for name, struct in FACT_BY_TYPE.items():
        fields = {f.name for f in msgspec.structs.fields(struct)}
        assert fields - {"ts", "weight", "micro", "duration_ms"} == set(fact_fields(name)), name
