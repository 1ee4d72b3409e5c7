"""Rejected records, published with the reason before the checkpoint that passes them.

After a crash the same rejection can be published again: (topic, partition, offset) in the value
is its identity, by which readers drop the repetition.
"""

from __future__ import annotations

import asyncio
import base64
import codecs
from typing import TYPE_CHECKING, Any, Final

import msgspec

from processors.names import DEAD_LETTER, physical_topic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.decode import Rejection
    from processors.record import Record
    from streams.worker.ports import Outbox

ORIGINAL_BYTES_MAX: Final = 65_536
KEY_BYTES_MAX: Final = 4_096
DETAIL_CHARACTERS_MAX: Final = 4_096  # it may quote what the record says, escaped
_utf_8: Final = codecs.getincrementaldecoder("utf-8")
FLUSH_RECORDS: Final = 500  # so many are published at once, and kept in memory before that


def dead_letter(topic: str, partition: int, record: Record, rejection: Rejection) -> bytes:
    """Encode a dead letter's value.

    Originals longer than ORIGINAL_BYTES_MAX are cut: ``original_bytes`` tells the whole length,
    ``truncated`` that it was cut. Text stays text, anything else is base64. Even where every byte
    is a control character, which JSON writes as six, a letter stays below 500 KB.
    """
    _, timestamp_ms, key, original = record
    letter: dict[str, Any] = {
        "reason": rejection.reason,
        "field": rejection.field[:DETAIL_CHARACTERS_MAX],
        "detail": rejection.detail[:DETAIL_CHARACTERS_MAX],
        "topic": topic,
        "partition": partition,
        "offset": rejection.offset,
        "timestamp_ms": timestamp_ms,
        "original_bytes": None if original is None else len(original),
        "truncated": original is not None and len(original) > ORIGINAL_BYTES_MAX,
    }
    if key is not None and len(key) > KEY_BYTES_MAX:
        letter["key_bytes"] = len(key)
    if original is None:
        letter["original"] = None
    else:
        kept = original[:ORIGINAL_BYTES_MAX]
        try:
            # Incremental: a character that the cut goes through is left out, not an error.
            letter["original"] = _utf_8().decode(kept, final=not letter["truncated"])
        except UnicodeDecodeError:
            letter["original_base64"] = base64.b64encode(kept).decode()
    return msgspec.json.encode(letter)


class DeadLetters:
    """One partition's rejections on their way out.

    Args:
        topic: logical name of the partition's topic.
    """

    def __init__(self, outbox: Outbox, namespace: str, topic: str, partition: int) -> None:
        self._outbox = outbox
        self._target = physical_topic(DEAD_LETTER, namespace)
        self._topic, self._partition = topic, partition
        self._unsent: list[tuple[bytes | None, bytes]] = []

    def add(self, records: Sequence[Record], rejections: Sequence[Rejection]) -> None:
        """Take over the rejections of some records."""
        by_offset = {record[0]: record for record in records}
        for rejection in rejections:
            record = by_offset[rejection.offset]
            key = record[2]
            value = dead_letter(self._topic, self._partition, record, rejection)
            self._unsent.append((None if key is None else key[:KEY_BYTES_MAX], value))

    @property
    def is_full(self) -> bool:
        """Whether a flush is due before the next checkpoint."""
        return len(self._unsent) >= FLUSH_RECORDS

    def clear(self) -> None:
        """Forget what is unsent: the records will be read again."""
        self._unsent.clear()

    async def flush(self) -> None:
        """Publish everything and wait for the acknowledgements.

        Raises:
            Exception: the outbox's; what was not acknowledged stays for the next flush.
        """
        while self._unsent:
            batch = self._unsent[:FLUSH_RECORDS]
            results = await asyncio.gather(
                *(self._outbox.send(self._target, key, value) for key, value in batch),
                return_exceptions=True,
            )
            failures = [r for r in results if isinstance(r, BaseException)]
            self._unsent[: len(batch)] = [
                letter
                for letter, result in zip(batch, results, strict=True)
                if isinstance(result, BaseException)
            ]
            if failures:
                raise failures[0]
