"""Own events: one JSON object a line (NDJSON). Lines are published byte by byte as they are."""

from __future__ import annotations

import mmap
from array import array
from typing import TYPE_CHECKING, Any

import msgspec

from processors.errors import UsageError
from streams.replay.rows import Row, event_ts_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


class _Time(msgspec.Struct):
    ts: Any = None


class LineSource:
    """The lines of a file, by event time unless ``as_is``; only an index is kept in memory.

    Raises:
        UsageError: the file is missing or has no line.
    """

    def __init__(self, path: Path, *, as_is: bool = False) -> None:
        self._path = path
        self._times = array("q")
        self._starts = array("q")
        try:
            self._read_index()
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
        if not self._times:
            raise UsageError(f"{path}: no events: there is nothing to replay")
        times = self._times
        self.count = len(times)
        self.first_ts_ms = min(times)
        self.last_ts_ms = max(times)
        in_order = all(times[i] <= times[i + 1] for i in range(len(times) - 1))
        # sorted() is stable: lines of the same millisecond stay in the file's order.
        self._order: Iterable[int] = (
            range(len(times))
            if as_is or in_order
            else sorted(range(len(times)), key=times.__getitem__)
        )

    def rows(self) -> Iterator[Row]:
        """Yield the lines."""
        decode = msgspec.json.Decoder().decode
        with (
            self._path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            for index in self._order:
                content.seek(self._starts[index])
                line = content.readline().strip()
                try:
                    event = decode(line)
                except (msgspec.MsgspecError, UnicodeDecodeError):
                    event = None
                yield Row(self._times[index], line, event if isinstance(event, dict) else None)

    def _read_index(self) -> None:
        decode = msgspec.json.Decoder(_Time).decode
        start, known = 0, None
        with self._path.open("rb") as file:
            for line in file:
                if line.strip():
                    try:
                        ts_ms = event_ts_ms(decode(line).ts)
                    except (msgspec.MsgspecError, UnicodeDecodeError):
                        ts_ms = None
                    # A line without a time stays beside its neighbour; 0 until the first has one.
                    known = ts_ms if ts_ms is not None else known
                    self._times.append(known or 0)
                    self._starts.append(start)
                start += len(line)
        first = next((ts_ms for ts_ms in self._times if ts_ms), 0)
        for index, ts_ms in enumerate(self._times):
            if ts_ms:
                break
            self._times[index] = first
