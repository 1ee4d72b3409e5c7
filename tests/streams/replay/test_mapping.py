"""Laws of mappings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from processors.errors import UsageError
from streams.replay.mapped import MappedSource
from streams.replay.mapping import parse_mapping, preset_names, read_mapping

ROOT = Path(__file__).parents[3]
ROWS = """\
id,sold_at,kind,price,who
a,2020-01-01 00:00:03,sale,1.10,x
b,2020-01-01 00:00:01,sale,2.20,
c,2020-01-01 00:00:03,view,,y
"""
SALES = """\
name: sales
columns:
  cents: CAST(price AS DECIMAL(18, 2))
events:
  - type: page_view
    event_id: "'view-' || _row"
    ts: sold_at
    fields: {visitor_id: "coalesce(who, 'nobody')"}
  - type: purchase
    when: kind = 'sale'
    event_id: id
    ts: epoch_ms(sold_at) - 1000
    fields: {visitor_id: who, value: cents, currency: "'EUR'", order_id: id}
"""
FIRST_MS = 1_577_836_800_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Three foreign rows, not in order of time."""
    file = tmp_path / "rows.csv"
    file.write_text(ROWS)
    return file


def _events(path: Path, text: str, *, as_is: bool = False) -> list[dict[str, Any]]:
    rows = MappedSource(path, parse_mapping(text, "sales.yaml"), as_is=as_is).rows()
    return [msgspec.json.decode(row.value) for row in rows]


def test_by_time_then_row_then_entry(path: Path) -> None:
    """Events come by ts, then row, then entry, whatever entry made them."""
    events = _events(path, SALES)
    assert [e["event_id"] for e in events] == ["b", "view-2", "a", "view-1", "view-3"]
    assert [e["ts"] - FIRST_MS for e in events] == [0, 1000, 2000, 3000, 3000]


def test_as_is_keeps_the_files_order(path: Path) -> None:
    """As is, events come by row, then entry."""
    events = _events(path, SALES, as_is=True)
    assert [e["event_id"] for e in events] == ["view-1", "a", "view-2", "b", "view-3"]


def test_fields(path: Path) -> None:
    """Amounts keep their digits, NULL leaves a field out, constants are SQL literals."""
    event = _events(path, SALES)[0]
    assert event == {
        "event_id": "b", "type": "purchase", "ts": FIRST_MS,
        "value": "2.20", "currency": "EUR", "order_id": "b",
    }  # fmt: skip


def test_ndjson_rows(tmp_path: Path) -> None:
    """Foreign JSON lines are read as rows too, numbered from 1."""
    file = tmp_path / "rows.ndjson"
    file.write_text('{"t":1000,"v":"x"}\n{"t":2000,"v":"y"}\n')
    text = (
        "name: n\nevents:\n  - {type: page_view, event_id: \"'r' || _row\", ts: t,"
        " fields: {visitor_id: v}}\n"
    )
    assert [(e["event_id"], e["ts"]) for e in _events(file, text)] == [("r1", 1000), ("r2", 2000)]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("type: purchase", "type: sale", r"events\[1\]: type: 'sale'"),  # BAD! no such event
        ("ts: sold_at", "time: at", r"events\[0\]: 'time' is unknown"),  # BAD! misspelt
        ("    ts: sold_at\n", "", r"events\[0\]: ts"),  # BAD! missing
        ("order_id: id", "order_id: nummer", r"\(purchase\): order_id: .*nummer"),  # BAD! no column
        ("kind = 'sale'", "kind ===", r"\(purchase\): when"),  # BAD! no SQL
        ("CAST(price", "CAST(prize", r"columns: cents"),  # BAD! no column
        ("event_id: id", "event_id: who", r"event_id: NULL in row 2"),  # BAD! NULL
        ("kind = 'sale'", "kind = 'none'", None),  # fine: the other entry still gives events
        ("order_id: id", "ts: id", "'ts' has an entry of its own"),  # BAD! twice
        ("events:", "event:", "'event' is unknown"),  # BAD! misspelt
        ("name: sales", "name: [", "not YAML"),  # BAD!
    ],
)
def test_faults_are_named(path: Path, old: str, new: str, named: str | None) -> None:
    """A fault is a usage error that names the entry and the field."""
    assert old in SALES
    text = SALES.replace(old, new)
    if named is None:
        assert _events(path, text)
        return
    with pytest.raises(UsageError, match=named) as caught:
        _events(path, text)
    assert "sales.yaml" in str(caught.value)


def test_no_event_is_a_fault(path: Path) -> None:
    """A mapping that makes nothing of a file is refused: it is the wrong one."""
    text = SALES.replace("ts: sold_at", "ts: sold_at\n    when: false").replace("'sale'", "'none'")
    with pytest.raises(UsageError, match="makes no event"):
        _events(path, text)


def test_expressions_cannot_read_files(path: Path) -> None:
    """A mapping sees its rows and nothing else of the machine."""
    text = SALES.replace("event_id: id", f"event_id: (SELECT content FROM read_text('{path}'))")  # noqa: S608
    with pytest.raises(UsageError, match="event_id"):
        _events(path, text)


def test_unknown_mapping_lists_the_presets() -> None:
    """A name that is neither a file nor a preset is refused with the presets."""
    with pytest.raises(UsageError, match="orders_online_retail"):
        read_mapping("orders")


@pytest.mark.parametrize("name", preset_names())
def test_presets_are_read_by_name(name: str) -> None:
    """Every preset parses and is called as its file."""
    assert read_mapping(name).name == name


def test_the_documented_example_works(tmp_path: Path) -> None:
    """The mapping in docs/replay.md gives what the page says."""
    page = (ROOT / "docs" / "replay.md").read_text("utf-8")
    text = page.partition("```yaml\n")[2].partition("```")[0]
    file = tmp_path / "rows.csv"
    file.write_text(
        "invoice,sold_at,quantity,price,customer\n"
        "i-1,2020-01-01 00:00:02,3,1.10,c-1\n"
        "i-2,2020-01-01 00:00:01,-1,2.50,c-1\n"
    )
    events = _events(file, text)
    assert [(e["type"], e["order_id"], float(e["value"])) for e in events] == [
        ("refund", "i-2", 2.5),
        ("purchase", "i-1", 3.3),
    ]
