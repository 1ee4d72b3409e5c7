"""Laws of the spool: what was appended comes back in order, whatever dies in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streams.producer import spool as spool_module
from streams.producer.envelope import Envelope
from streams.producer.errors import BufferFullError, SpoolError
from streams.producer.spool import Spool

if TYPE_CHECKING:
    from pathlib import Path


def envelopes(first: int, count: int) -> list[Envelope]:
    """Return numbered envelopes."""
    return [
        Envelope("tracking.visitor", b"v", b"x" * 100, 1_700_000_000_000, f"e{number}")
        for number in range(first, first + count)
    ]


def ids(found: list[Envelope]) -> list[str]:
    """Return their event ids."""
    return [envelope.event_id for envelope in found]


def test_order_is_kept_across_segments_and_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Appended, dropped and reopened in any mixture, the rest is in order and complete."""
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 1_000)
    expected = ids(envelopes(0, 100))
    spool = Spool(tmp_path, 1 << 20)
    seen: list[str] = []
    for first in range(0, 100, 10):
        spool.append(envelopes(first, 10))
        taken = spool.peek(7)
        seen += ids(taken)
        spool.drop(len(taken))
        if first % 30 == 0:
            spool.close()
            spool = Spool(tmp_path, 1 << 20)
            assert len(spool) == first + 10 - len(seen)
    while spool.peek(1):
        taken = spool.peek(9)
        seen += ids(taken)
        spool.drop(len(taken))
    assert seen == expected
    assert spool.size_bytes == 0
    spool.close()


def test_what_was_not_dropped_comes_again(tmp_path: Path) -> None:
    """A process that dies between sending and dropping leads to a second sending, not a loss."""
    spool = Spool(tmp_path, 1 << 20)
    spool.append(envelopes(0, 3))
    assert ids(spool.peek(3)) == ["e0", "e1", "e2"]
    spool.close()
    again = Spool(tmp_path, 1 << 20)
    assert ids(again.peek(9)) == ["e0", "e1", "e2"]
    again.close()


@pytest.mark.parametrize("cut", [1, 7, 60])
def test_half_written_event_is_cut_off(tmp_path: Path, cut: int) -> None:
    """What a killed writer left of its last event is not an event; those before it are."""
    spool = Spool(tmp_path, 1 << 20)
    spool.append(envelopes(0, 3))
    spool.close()
    (segment,) = tmp_path.glob("*.spool")
    segment.write_bytes(segment.read_bytes()[:-cut])
    again = Spool(tmp_path, 1 << 20)
    assert ids(again.peek(9)) == ["e0", "e1"]
    again.append(envelopes(7, 1))
    assert ids(again.peek(9)) == ["e0", "e1", "e7"]
    again.close()


def test_damage_stops_with_a_way_back(tmp_path: Path) -> None:
    """A flipped byte is not guessed around: the error names the file, the place and what to do."""
    spool = Spool(tmp_path, 1 << 20)
    spool.append(envelopes(0, 3))
    spool.close()
    (segment,) = tmp_path.glob("*.spool")
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1  # BAD!
    segment.write_bytes(content)
    with pytest.raises(SpoolError, match=r"00000001\.spool: damaged at byte \d+.*move the file"):
        Spool(tmp_path, 1 << 20)


def test_full_spool_takes_all_of_a_batch_or_none(tmp_path: Path) -> None:
    """Bytes that wait never pass the bound, and a refused batch leaves nothing behind."""
    spool = Spool(tmp_path, 400)
    spool.append(envelopes(0, 2))
    with pytest.raises(BufferFullError, match="2 more events do not fit"):
        spool.append(envelopes(2, 2))
    assert ids(spool.peek(9)) == ["e0", "e1"]
    spool.drop(2)
    spool.append(envelopes(2, 2))
    assert ids(spool.peek(9)) == ["e2", "e3"]
    spool.close()


def test_a_directory_has_one_user(tmp_path: Path) -> None:
    """Two processes on one directory would send each other's events."""
    spool = Spool(tmp_path, 1 << 20)
    with pytest.raises(SpoolError, match="another process uses it"):
        Spool(tmp_path, 1 << 20)
    spool.close()
    Spool(tmp_path, 1 << 20).close()


def test_nothing_stays_on_disk_once_sent(tmp_path: Path) -> None:
    """Events hold identities: an empty spool holds none, and only its owner may look."""
    spool = Spool(tmp_path / "spool", 1 << 20)
    spool.append(envelopes(0, 5))
    spool.drop(len(spool.peek(5)))
    sizes = {path.stat().st_size for path in (tmp_path / "spool").glob("*.spool")}
    assert sizes == {0}
    modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "spool").glob("*.spool")}
    assert modes == {0}
    spool.close()
