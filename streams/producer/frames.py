"""How the spool writes envelopes down: length, CRC-32, MessagePack."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import msgspec

from streams.producer.envelope import Envelope

if TYPE_CHECKING:
    from typing import BinaryIO

_HEAD = struct.Struct(">II")  # payload bytes, CRC-32 of the payload
_decode = msgspec.msgpack.Decoder(Envelope).decode
_encode = msgspec.msgpack.Encoder().encode


class TornFrameError(Exception):
    """The file ends inside a frame: its writer was killed."""


class DamagedFrameError(Exception):
    """A whole frame does not have its checksum."""


def write_frame(envelope: Envelope) -> bytes:
    """Encode an envelope."""
    payload = _encode(envelope)
    return _HEAD.pack(len(payload), zlib.crc32(payload)) + payload


def read_frame(file: BinaryIO) -> Envelope | None:
    """Read the next envelope, None at the end of the file.

    Raises:
        TornFrameError: the file ends inside the frame.
        DamagedFrameError: its checksum is wrong.
    """
    head = file.read(_HEAD.size)
    if not head:
        return None
    if len(head) < _HEAD.size:
        raise TornFrameError
    length, checksum = _HEAD.unpack(head)
    payload = file.read(length)
    if len(payload) < length:
        raise TornFrameError
    if zlib.crc32(payload) != checksum:
        raise DamagedFrameError
    return _decode(payload)
