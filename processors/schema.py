"""How keyed states are written by this version of the program, and how older ones are read.

A partition's tables say which schema their owner writes; a state says its own by a mark in front,
so that states are migrated one by one, when they are loaded. Schema 1 has no mark.

To change how a processor encodes its states, append a step to ``SCHEMA``: processor -> what turns
the decoded older form (lists, maps, numbers, texts: what msgpack knows) into the newer one. A step
is never changed or removed once it is released, for states that nobody touches stay as they are. A
state keeps its key, and its due time may not come sooner: timers are not migrated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from processors.keyed.base import Processor

Step = Mapping[str, Callable[[Any], Any]]
"""Processor -> what makes a state of this schema of one of the schema before."""

OLDEST: Final = 1
_ENCODER: Final = msgspec.msgpack.Encoder()
_MARK: Final = 0xC1  # no msgpack value begins with it


@dataclass(frozen=True)
class Schema:
    """A version of the states' encoding, with the way to it from the oldest.

    Attributes:
        steps: to schema 2, to schema 3, and so on.
    """

    steps: tuple[Step, ...] = ()

    @property
    def version(self) -> int:
        """The schema that is written."""
        return OLDEST + len(self.steps)


SCHEMA: Final = Schema()


class Codec:
    """Encodes and decodes one processor's states, older ones too."""

    def __init__(self, processor: Processor, schema: Schema) -> None:
        decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(processor.state_type)
        self._plain = decoder.decode
        self._changes = [
            (OLDEST + number, step[processor.name])
            for number, step in enumerate(schema.steps, start=1)
            if processor.name in step
        ]
        written = max((version for version, _ in self._changes), default=OLDEST)
        self._mark = bytes([_MARK, written])
        # What has never changed costs nothing.
        self.encode: Callable[[Any], bytes] = self._marked if self._changes else _ENCODER.encode
        self.decode: Callable[[bytes], Any] = self._migrated if self._changes else self._plain

    def _marked(self, state: Any) -> bytes:
        return self._mark + _ENCODER.encode(state)

    def _migrated(self, encoded: bytes) -> Any:
        if encoded.startswith(self._mark):
            return self._plain(encoded[2:])
        version, plain = OLDEST, encoded
        if encoded[0] == _MARK:
            version, plain = encoded[1], encoded[2:]
        state = msgspec.msgpack.decode(plain)
        for to, change in self._changes:
            if to > version:
                state = change(state)
        return self._plain(_ENCODER.encode(state))
