"""Dead letters: every rejection is published at least once, with where it came from."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from processors.decode import Rejection
from streams.worker.dead_letters import KEY_BYTES_MAX, DeadLetters, dead_letter


class Outbox:
    """Takes records but refuses those whose offset is in ``refused``."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any, dict[str, Any]]] = []
        self.refused: set[int] = set()

    async def send(self, topic: str, key: Any, value: Any, **_where: Any) -> None:
        """Take a record."""
        letter = json.loads(value)
        if letter["offset"] in self.refused:
            raise OSError("away")
        self.sent.append((topic, key, letter))


def rejection(offset: int) -> Rejection:
    """Make a rejection."""
    return Rejection(offset, "invalid_json", "", "broken")


def test_flush_keeps_what_was_not_acknowledged() -> None:
    """A flush that fails half way publishes the rest the next time, in order."""

    async def body() -> None:
        outbox = Outbox()
        letters = DeadLetters(outbox, "ns", "tracking.ads", 1)
        records = [(o, 5, b"k", b"{") for o in range(4)]
        letters.add(records, [rejection(o) for o in (0, 2, 3)])
        outbox.refused = {2}
        with pytest.raises(OSError, match="away"):
            await letters.flush()
        assert [letter["offset"] for _, _, letter in outbox.sent] == [0, 3]
        outbox.refused = set()
        await letters.flush()
        await letters.flush()
        assert [letter["offset"] for _, _, letter in outbox.sent] == [0, 3, 2]
        topic, key, letter = outbox.sent[0]
        assert (topic, key) == ("ns.tracking.dead-letter", b"k")
        assert (letter["topic"], letter["partition"], letter["timestamp_ms"]) == (
            "tracking.ads",
            1,
            5,
        )

    asyncio.run(body())


def test_forgotten_letters_are_not_published() -> None:
    """After a claim the records are read again: their letters must not come twice from here."""

    async def body() -> None:
        outbox = Outbox()
        letters = DeadLetters(outbox, "live", "tracking.ads", 1)
        letters.add([(0, 5, None, b"{")], [rejection(0)])
        letters.clear()
        await letters.flush()
        assert outbox.sent == []

    asyncio.run(body())


def test_text_stays_text_and_is_never_cut_into_base64() -> None:
    """A long text that is cut inside a character stays readable."""
    original = "é" * 40_000  # 80,000 bytes: the cut at 65,536 is between two characters
    letter = json.loads(dead_letter("t", 0, (1, 2, None, original.encode()), rejection(1)))
    assert letter["original"] == "é" * 32_768
    shifted = ("x" + original).encode()  # now the cut is inside one
    letter = json.loads(dead_letter("t", 0, (1, 2, None, shifted), rejection(1)))
    assert letter["original"] == "x" + "é" * 32_767
    assert (letter["original_bytes"], letter["truncated"]) == (80_001, True)


def test_key_that_is_too_long_is_cut_and_says_so() -> None:
    """The key stays the original's, as far as a record can hold it beside the original."""

    async def body() -> None:
        outbox = Outbox()
        letters = DeadLetters(outbox, "live", "tracking.ads", 1)
        letters.add([(0, 5, b"k" * 10_000, b"{")], [rejection(0)])
        await letters.flush()
        [(_, key, letter)] = outbox.sent
        assert len(key) == KEY_BYTES_MAX
        assert letter["key_bytes"] == 10_000

    asyncio.run(body())


@pytest.mark.parametrize("byte", [b"\x01", b"\x7f", b"\xff", b'"', b"a"])
def test_a_letter_of_any_record_is_shorter_than_what_a_broker_takes(byte: bytes) -> None:
    """However long the record is, and its key, and what the rejection quotes of it."""
    record = (1, 2, 900_000 * byte, 900_000 * byte)
    quoted = Rejection(1, "wrong_type", 900_000 * "\x01", 900_000 * "\x01")
    letter = dead_letter("t", 0, record, quoted)
    assert KEY_BYTES_MAX + len(letter) < 500_000
