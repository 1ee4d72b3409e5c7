"""The recomputation's table of fields and the live decoder's structs are the same contract."""

from __future__ import annotations

import msgspec

from processors.event import STRUCT_BY_TYPE
from processors.facts import FACT_BY_TYPE
from streams.verify.kinds import KIND_BY_FACT
from streams.verify.schema import EVENT_TYPES, TICK

KINDS = {"str": "text", "int": "int", "Decimal": "amount", "int | str": "ts"}


def kind_of(field: msgspec.structs.FieldInfo) -> str:
    """Return the table's word for a struct's field."""
    name = str(getattr(field.type, "__name__", field.type)).removeprefix("decimal.")
    optional = name.endswith(" | None")
    kind = name.removesuffix(" | None").removeprefix("decimal.")
    return KINDS[kind] + ("" if optional else "!")


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


def test_facts_and_their_dimensions_are_the_same() -> None:
    """Both know the same facts and the fields that they carry."""
    for name, struct in FACT_BY_TYPE.items():
        fields = {f.name for f in msgspec.structs.fields(struct)}
        assert fields - {"ts", "weight", "micro", "duration_ms"} == set(
            KIND_BY_FACT[name].dimensions
        )
