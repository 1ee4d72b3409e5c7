"""Laws of the contract's documents: up to date, and saying what the worker does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from processors import names
from processors.catalog.load import load_catalog
from processors.event import STRUCT_BY_TYPE, TOPIC_BY_TYPE, Event
from streams import generated
from streams.catalog_files import preset_sources
from streams.producer.gate import Gate, validity_of
from streams.schemas.event_schema import document
from streams.schemas.fields import fields_of
from streams.schemas.generate import BreakingChangeError, documents

ROOT = Path(__file__).parents[3]
NOW_MS = 1_750_000_000_000
VALIDATORS = {name: Draft202012Validator(document(name)) for name in STRUCT_BY_TYPE}
GATE = Gate(validity_of())

# Every kind of value that JSON has, right and wrong ones for every kind of field.
VALUES = st.sampled_from(
    [None, "", "x", "EUR", "1.5", "0.000001", "999999999.999999", "1000000000", "-1", "0.0000001",
     "yesterday", "2025-06-15T15:06:40Z", "2025-06-15T15:06:40", 0, 1, -1, 1.5, 0.1234567, -0.5,
     10**9, NOW_MS, True, [], ["x"], {}, {"a": 1}]
)  # fmt: skip


@given(st.sampled_from(sorted(STRUCT_BY_TYPE)), st.data())
@settings(max_examples=400, deadline=None)
def test_schema_and_worker_agree(event_type: str, data: st.DataObject) -> None:
    """What the schema allows the worker takes, and what it forbids becomes a dead letter.

    But for time, which the worker judges by the record's clock, and for amounts with more than
    six decimals, which JSON Schema cannot express for numbers.
    """
    event: dict[str, Any] = {"type": event_type, "event_id": "e", "ts": NOW_MS}
    for field in fields_of(STRUCT_BY_TYPE[event_type]):
        if field.name != "ts" and data.draw(
            st.booleans() if not field.required else st.just(value=True)
        ):
            event[field.name] = data.draw(VALUES)
    allowed = VALIDATORS[event_type].is_valid(event)
    judged = GATE.judge(json.dumps(event).encode(), NOW_MS)
    if isinstance(judged, Event):
        assert allowed, list(VALIDATORS[event_type].iter_errors(event))
    else:
        assert not allowed or "more than 6 decimals" in judged[2]


@pytest.mark.parametrize(
    ("ts", "allowed"),
    [
        (NOW_MS, True),
        ("2025-06-15T15:06:40Z", True),
        ("2025-06-15t15:06:40.123+05:30", True),
        ("2025-06-15T15:06:40", False),  # BAD! no offset
        ("15.6.2025", False),  # BAD!
        (-1, False),  # BAD!
        (None, False),  # BAD!
    ],
)
def test_moments_agree(ts: object, allowed: bool) -> None:
    """The schema's moments are the worker's."""
    event = {"type": "ad_impression", "event_id": "e", "campaign": "c", "ts": ts}
    assert VALIDATORS["ad_impression"].is_valid(event) is allowed
    assert isinstance(GATE.judge(json.dumps(event).encode(), NOW_MS), Event) is allowed


def test_every_type_and_topic_is_described() -> None:
    """The topics' document holds every type in its topic, and nothing else."""
    found = yaml.safe_load((ROOT / "docs/_gen/asyncapi.yaml").read_text())
    described = {
        message: topic
        for topic, channel in found["channels"].items()
        for message in channel["messages"]
    }
    assert described == TOPIC_BY_TYPE | {"dead_letter": names.DEAD_LETTER}
    for name in STRUCT_BY_TYPE:
        payload = found["components"]["messages"][name]["payload"]["$ref"]
        assert (ROOT / "docs/_gen" / payload).is_file()


def test_the_http_document_is_valid() -> None:
    """The collector's document is OpenAPI 3.1, its references included."""
    path = ROOT / "docs/_gen/openapi.yaml"
    validate(yaml.safe_load(path.read_text()), base_uri=path.as_uri())


def test_generated_files_say_so() -> None:
    """Who opens one reads first that editing it is in vain."""
    for path, text in documents().items():
        assert "DO NOT EDIT" in text[:120], path


def test_breaking_changes_are_refused(tmp_path: Path) -> None:
    """A schema that takes back what was published is not written, unless somebody insists."""
    catalog = load_catalog(preset_sources())
    assert "docs/_gen/events/page_view.json" in generated.write(catalog, tmp_path)
    path = tmp_path / "docs/_gen/events/page_view.json"
    published = json.loads(path.read_text())
    published["properties"]["colour"] = {"type": "string"}  # published once, gone now
    path.write_text(json.dumps(published))
    for act in (generated.check, generated.write):
        with pytest.raises(BreakingChangeError, match="page_view: colour is gone"):
            act(catalog, tmp_path)
    generated.write(catalog, tmp_path, accept_breaking=True)
    generated.check(catalog, tmp_path)
