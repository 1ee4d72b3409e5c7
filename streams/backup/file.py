"""The file of a backup: what it holds, how it is written, and how it is known to be whole.

::

    gzip( frame, frame, ... )           frame: its length (4 bytes, big endian), then msgpack

    Header      what this is: format, schema, namespace, registry
    Part ...    items of one key, in slices: of a partition, or (topic "") of the namespace
    End         how many parts there are, and the SHA-256 of every byte before this frame

Values are what commands return, not Redis' own dumps: these differ between versions and products.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Protocol, Self

import msgspec

from processors.errors import CheckFailedError, UsageError
from processors.schema import OLDEST, SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

FORMAT: Final = 1
_LENGTH_BYTES: Final = 4
_FRAME_BYTES_MAX: Final = 1 << 30
_LEVEL: Final = 3  # of compression: past this it takes longer than reading Redis does


class _Readable(Protocol):
    def read(self, size: int) -> bytes: ...


class Header(msgspec.Struct, tag="kpi-streams tables", array_like=True):
    """What the file is.

    Attributes:
        registry: the namespace's, as it was when the backup began.
    """

    format: int
    schema: int
    namespace: str
    made_ms: int
    registry: dict[str, bytes]


class Part(msgspec.Struct, tag="part", array_like=True):
    """Some of one key.

    Attributes:
        topic: logical; empty for a key of the namespace itself.
        name: what follows the namespace, or the partition's hash tag.
        kind: ``hash`` (items: field, value, ...), ``zset`` (member, score, ...) or ``stream`` (one
            entry: id, field, value, ...).
    """

    topic: str
    partition: int
    name: str
    kind: str
    items: list[bytes]


class End(msgspec.Struct, tag="end", array_like=True):
    """The last frame; without it the file was cut off."""

    parts: int
    digest: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Header | Part | End)
encode_part = _encoder.encode


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say of which file a failure is: without that, a full disk would read as a server away.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error


class Writer:
    """Writes a backup beside its final name, which it gets once it is whole.

    Args:
        path: must not exist. Only the owner may read it: states hold identities.

    Raises:
        UsageError: it exists, or cannot be written there.
    """

    def __init__(self, path: Path) -> None:
        if path.exists():
            raise UsageError(f"{path}: exists already: a backup never replaces another file")
        self._path, self._unfinished = path, path.with_name(f".{path.name}.unfinished")
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
        with writing(path):
            # What is there may be another's, who could read along, or a link to somewhere else.
            self._unfinished.unlink(missing_ok=True)
            self._raw = os.fdopen(os.open(self._unfinished, flags, 0o600), "wb")
        self._file = gzip.GzipFile("", "wb", _LEVEL, self._raw, mtime=0)
        self._digest = hashlib.sha256()
        self._parts = 0

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove what is unfinished."""
        with suppress(OSError):
            self._raw.close()
        self._unfinished.unlink(missing_ok=True)

    def begin(self, header: Header) -> None:
        """Write what the file is."""
        self._frame(_encoder.encode(header))

    def add(self, encoded: bytes) -> None:
        """Add an encoded part."""
        self._parts += 1
        self._frame(encoded)

    def finish(self) -> None:
        """Make the file durable under its name."""
        end = _encoder.encode(End(self._parts, self._digest.digest()))
        with writing(self._path):
            self._file.write(len(end).to_bytes(_LENGTH_BYTES) + end)
            self._file.close()
            self._raw.flush()
            os.fsync(self._raw.fileno())
            self._raw.close()
            self._unfinished.rename(self._path)
            directory = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)  # the name, too: tables are dropped once they are backed up
            finally:
                os.close(directory)

    def _frame(self, encoded: bytes) -> None:
        with writing(self._path):
            for piece in (len(encoded).to_bytes(_LENGTH_BYTES), encoded):
                self._digest.update(piece)
                self._file.write(piece)


def read_header(path: Path) -> Header:
    """Return what a file says that it is.

    Raises:
        UsageError: it cannot be opened.
        CheckFailedError: it is no backup, is damaged, or this program is too old for it.
    """
    for header in _frames(path, only_header=True):
        if isinstance(header, Header):
            return header
    raise _damaged(path, "it is empty")


def read_parts(path: Path) -> Iterator[Part]:
    """Yield a file's parts; that it is whole and unaltered is known once all are read.

    Raises:
        UsageError: it cannot be opened.
        CheckFailedError: it is no backup, is damaged, or this program is too old for it.
    """
    for frame in _frames(path):
        if isinstance(frame, Part):
            yield frame


def check_file(path: Path) -> int:
    """Read all of a file and return how many parts it has.

    Raises:
        UsageError: it cannot be opened.
        CheckFailedError: it is no backup, is damaged, or this program is too old for it.
    """
    return sum(1 for _ in read_parts(path))


def _frames(path: Path, *, only_header: bool = False) -> Iterator[Header | Part | End]:
    try:
        raw = path.open("rb")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    with raw, gzip.GzipFile(fileobj=raw) as file:
        try:
            yield from _checked(path, file, only_header=only_header)
        except gzip.BadGzipFile as error:
            raise _damaged(path, str(error)) from error
        except (EOFError, zlib.error) as error:
            raise _damaged(path, f"it was cut off or altered ({error})") from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _damaged(path, f"it holds something else ({error})") from error


def _checked(path: Path, file: _Readable, *, only_header: bool) -> Iterator[Header | Part | End]:
    digest = hashlib.sha256()
    header = _decoder.decode(_next_frame(file, digest))
    if not isinstance(header, Header):
        raise _damaged(path, "it does not begin as one")
    _check_version(path, header)
    yield header
    parts = 0
    while not only_header:
        before = digest.digest()
        frame = _decoder.decode(_next_frame(file, digest))
        yield frame
        if isinstance(frame, End):
            if frame.digest != before or frame.parts != parts or file.read(1):
                raise _damaged(path, "its checksum is another")
            return
        parts += 1


def _next_frame(file: _Readable, digest: hashlib._Hash) -> bytes:
    prefix = file.read(_LENGTH_BYTES)
    length = int.from_bytes(prefix)
    if len(prefix) < _LENGTH_BYTES or length > _FRAME_BYTES_MAX:
        raise EOFError("no end")
    encoded = file.read(length)
    if len(encoded) < length:
        raise EOFError("no end")
    digest.update(prefix)
    digest.update(encoded)
    return encoded


def _check_version(path: Path, header: Header) -> None:
    for what, has, oldest, known in (
        ("format", header.format, FORMAT, FORMAT),
        ("tables' schema", header.schema, OLDEST, SCHEMA.version),
    ):
        if not oldest <= has <= known:
            advice = "upgrade this program" if has > known else "use the version that wrote it"
            raise CheckFailedError(
                f"{path}: {what}: {has}, this program has {known}: it would be misread. "
                f"Nothing was changed: {advice}"
            )


def _damaged(path: Path, why: str) -> CheckFailedError:
    return CheckFailedError(
        f"{path}: is no whole backup of kpi-streams: {why}. Figures restored from it would be "
        "wrong without a word, so nothing was changed: take another copy"
    )
