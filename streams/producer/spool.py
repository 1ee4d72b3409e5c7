"""Events on disk while Kafka is away: appended, read back in order, dropped once Kafka has them.

::

    00000001.spool   frames, oldest first; a segment is deleted when all of it is in Kafka
    00000002.spool   appended to
    position         the first frame that is not known to be in Kafka: segment and byte offset
    lock             held by the one process that uses the directory

What was in Kafka but not yet dropped when the process died is sent again: it counts once, because
its ``event_id`` is the same.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from streams.producer.errors import BufferFullError, SpoolError
from streams.producer.frames import (
    DamagedFrameError,
    TornFrameError,
    read_frame,
    write_frame,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from streams.producer.envelope import Envelope


class _Waiting(NamedTuple):
    """A frame and where it stands."""

    envelope: Envelope
    segment: int
    start: int
    end: int


SEGMENT_BYTES = 16 * 1024 * 1024
_log = logging.getLogger(__name__)


class Spool:
    """A bounded queue of envelopes in a directory of its own. Not thread-safe.

    Args:
        directory: created if missing, readable by its owner only: events hold identities.
        bytes_max: how much may wait.

    Raises:
        SpoolError: another process uses the directory, or it cannot be written or read.
    """

    def __init__(self, directory: Path, bytes_max: int) -> None:
        self._directory = directory
        self._bytes_max = bytes_max
        self._ahead: deque[_Waiting] = deque()  # read, not yet dropped
        self._events = 0
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = _lock(directory / "lock")
            self._first, self._offset = self._load_position()
            self._bytes = self._recover()
            self._reading, self._reader = self._first, self._open_reader(self._first, self._offset)
            self._writing = max([self._first, *self._segments()])
            self._writer = self._open_writer(self._writing)
        except OSError as error:
            raise SpoolError(f"spool {directory}: {error.strerror or error}") from error

    def __len__(self) -> int:
        """Return how many events wait."""
        return self._events

    @property
    def size_bytes(self) -> int:
        """How many bytes wait."""
        return self._bytes

    @property
    def full(self) -> bool:
        """Whether nothing more is taken until some has been sent."""
        return self._bytes >= self._bytes_max

    def append(self, envelopes: Sequence[Envelope]) -> None:
        """Write envelopes behind the others; on return they are on disk.

        Raises:
            BufferFullError: they do not fit, none was written.
            OSError: the disk refused, none counts as written.
        """
        frames = b"".join(map(write_frame, envelopes))
        if self._bytes + len(frames) > self._bytes_max:
            raise BufferFullError(
                f"spool {self._directory}: {self._bytes} of {self._bytes_max} bytes wait for "
                f"Kafka: {len(envelopes)} more events do not fit"
            )
        if self._writer.tell() >= SEGMENT_BYTES:
            self._write_segment(self._writing + 1)
        before = self._writer.tell()
        try:
            self._writer.write(frames)
            self._writer.flush()
            os.fsync(self._writer.fileno())
        except OSError:
            self._undo(before)
            raise
        self._bytes += len(frames)
        self._events += len(envelopes)

    def _undo(self, offset: int) -> None:
        """Cut off what a full disk took only half of."""
        os.ftruncate(self._writer.fileno(), offset)
        self._writer = self._open_writer(self._writing)

    def peek(self, count: int) -> list[Envelope]:
        """Return the oldest envelopes, at most ``count``, without dropping them."""
        while len(self._ahead) < min(count, self._events):
            start = self._reader.tell()
            envelope = read_frame(self._reader)
            if envelope is None:
                self._read_segment(self._reading + 1)
            else:
                self._ahead.append(_Waiting(envelope, self._reading, start, self._reader.tell()))
        return [waiting.envelope for waiting in islice(self._ahead, count)]

    def drop(self, count: int) -> None:
        """Forget the oldest envelopes, which :meth:`peek` returned: Kafka has them."""
        for _ in range(count):
            _, segment, start, end = self._ahead.popleft()
            self._delete_before(segment)
            self._bytes -= end - start
            self._offset = end
            self._events -= 1
        if self._events == 0:  # leave no identities behind
            self._write_segment(self._writing + 1)
            self._read_segment(self._writing)
            self._delete_before(self._writing)
            self._offset = 0
        self._store_position()

    def close(self) -> None:
        """Give the directory back; what waits stays there."""
        self._reader.close()
        self._writer.close()
        self._lock.close()

    def _write_segment(self, segment: int) -> None:
        self._writer.close()
        self._writing = segment
        self._writer = self._open_writer(segment)

    def _read_segment(self, segment: int) -> None:
        self._reader.close()
        self._reading = segment
        self._reader = self._open_reader(segment, 0)

    def _delete_before(self, segment: int) -> None:
        while self._first < segment:
            self._path(self._first).unlink(missing_ok=True)
            self._first += 1

    def _path(self, segment: int) -> Path:
        return self._directory / f"{segment:08d}.spool"

    def _segments(self) -> list[int]:
        return sorted(int(path.stem) for path in self._directory.glob("*.spool"))

    def _open_writer(self, segment: int) -> BinaryIO:
        descriptor = os.open(self._path(segment), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        directory = os.open(self._directory, os.O_RDONLY)
        os.fsync(directory)  # or a crash of the machine may forget that the file exists
        os.close(directory)
        writer = os.fdopen(descriptor, "ab")
        writer.seek(0, os.SEEK_END)
        return writer

    def _open_reader(self, segment: int, offset: int) -> BinaryIO:
        path = self._path(segment)
        path.touch(mode=0o600)
        reader = path.open("rb")
        reader.seek(offset)
        return reader

    def _load_position(self) -> tuple[int, int]:
        try:
            stored = json.loads((self._directory / "position").read_text("utf-8"))
            return int(stored["segment"]), int(stored["offset"])
        except FileNotFoundError:
            return min(self._segments(), default=1), 0
        except (ValueError, KeyError, TypeError) as error:
            raise SpoolError(
                f"spool {self._directory}: the file position is damaged ({error}): delete it to "
                "send everything again (each event still counts once)"
            ) from error

    def _store_position(self) -> None:
        fresh = self._directory / "position.new"
        fresh.write_text(json.dumps({"segment": self._first, "offset": self._offset}), "utf-8")
        fresh.replace(self._directory / "position")

    def _recover(self) -> int:
        """Count what waits; cut off a last frame that was never written whole."""
        waiting_bytes = 0
        segments = [segment for segment in self._segments() if segment >= self._first]
        for segment in segments:
            path = self._path(segment)
            with path.open("r+b") as file:
                end = start = self._offset if segment == self._first else 0
                file.seek(start)
                try:
                    while read_frame(file) is not None:
                        self._events += 1
                        end = file.tell()
                except TornFrameError as error:
                    if segment != segments[-1]:
                        raise self._damaged(path, end) from error
                    _log.warning("%s: cut off a half-written event at byte %d", path, end)
                    file.truncate(end)
                except DamagedFrameError as error:
                    raise self._damaged(path, end) from error
                waiting_bytes += end - start
        return waiting_bytes

    def _damaged(self, path: Path, offset: int) -> SpoolError:
        return SpoolError(
            f"spool {path}: damaged at byte {offset}: events behind it cannot be read; move the "
            "file away to go on with the others"
        )


def _lock(path: Path) -> BinaryIO:
    file = path.open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise SpoolError(
            f"spool {path.parent}: another process uses it: give each its own directory"
        ) from error
    return file
