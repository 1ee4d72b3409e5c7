"""Laws of replaying own events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from processors.errors import UsageError
from processors.names import ADS, VISITOR
from streams.replay.lines import LineSource
from streams.replay.rows import Row, place
from streams.replay.sources import open_files

if TYPE_CHECKING:
    from pathlib import Path

LINES = [
    b'{"ts":5000,"event_id":"c"}',
    b'{"ts":"1970-01-01T00:00:02Z","event_id":"a"}',
    b'{"ts":5000,"event_id":"d"}',
    b"no json at all",
    b"",
    b'{"ts":3000,"event_id":"b"}',
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of unordered lines, one of them broken, one empty."""
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"\n".join(LINES))
    return file


def test_sorted_by_event_time(path: Path) -> None:
    """Lines come by ts, equal ones in the file's order; a broken one beside its neighbour."""
    values = [row.value for row in LineSource(path).rows()]
    assert values == [LINES[1], LINES[5], LINES[0], LINES[2], LINES[3]]


def test_as_is(path: Path) -> None:
    """As is, every line that is not empty comes in the file's order, byte by byte."""
    assert [row.value for row in LineSource(path, as_is=True).rows()] == [x for x in LINES if x]


def test_extent(path: Path) -> None:
    """Number and time span are known before the first row is read."""
    source = LineSource(path)
    assert (source.count, source.first_ts_ms, source.last_ts_ms) == (5, 2000, 5000)


def test_leading_line_without_time(tmp_path: Path) -> None:
    """A first line without a time takes the next one's."""
    file = tmp_path / "x.ndjson"
    file.write_bytes(b'broken\n{"ts":7}\n')
    assert [row.ts_ms for row in LineSource(file).rows()] == [7, 7]


def test_empty_and_missing_files_are_refused(tmp_path: Path) -> None:
    """A file without events, or no file, is a usage error that names it."""
    empty = tmp_path / "empty.ndjson"
    empty.write_bytes(b"\n")
    for file in (empty, tmp_path / "none.ndjson"):
        with pytest.raises(UsageError, match=file.name):
            LineSource(file)


def test_files_are_merged_by_time(tmp_path: Path) -> None:
    """Several files are one sequence by ts; as is, one after another."""
    first, second = tmp_path / "1.ndjson", tmp_path / "2.ndjson"
    first.write_bytes(b'{"ts":1}\n{"ts":4}\n')
    second.write_bytes(b'{"ts":2}\n{"ts":3}\n')
    assert [r.ts_ms for r in open_files([first, second], None).rows()] == [1, 2, 3, 4]
    as_is = open_files([first, second], None, as_is=True)
    assert [r.ts_ms for r in as_is.rows()] == [1, 4, 2, 3]
    assert (as_is.count, as_is.first_ts_ms, as_is.last_ts_ms) == (4, 1, 4)


def test_foreign_files_need_a_mapping(tmp_path: Path) -> None:
    """A csv without a mapping is refused, with the presets' names."""
    with pytest.raises(UsageError, match="ads_open_bandit"):
        open_files([tmp_path / "rows.csv"], None)


def test_shift_moves_only_time() -> None:
    """Shifting changes ts and nothing else; what has no time keeps its bytes."""
    row = Row(2000, LINES[1], {"ts": "1970-01-01T00:00:02Z", "event_id": "a"})
    assert row.shifted(500).event == {"ts": 2500, "event_id": "a"}
    assert row.shifted(500).value == b'{"ts":2500,"event_id":"a"}'
    assert row.shifted(0).value == LINES[1]
    broken = Row(2000, b"no json", None).shifted(500)
    assert (broken.ts_ms, broken.value) == (2500, b"no json")


@pytest.mark.parametrize(
    ("event", "there"),
    [
        ({"type": "page_view", "visitor_id": "v", "customer_id": "c"}, (VISITOR, b"v")),
        ({"type": "purchase", "customer_id": "c"}, (VISITOR, b"c")),
        ({"type": "ad_impression", "event_id": "e"}, (ADS, b"e")),
        ({"type": "page_view"}, (VISITOR, b"")),  # BAD! no identity
        ({"type": "unheard_of", "event_id": "e"}, (VISITOR, b"e")),  # BAD! no such type
        ({"type": ["page_view"]}, (VISITOR, b"")),  # BAD! not even a text
        (None, (VISITOR, b"")),  # BAD! no object
    ],
)
def test_every_record_has_a_place(
    event: dict[str, object] | None, there: tuple[str, bytes]
) -> None:
    """Type and identity decide topic and key; invalid records have a place to be rejected in."""
    assert place(event) == there
