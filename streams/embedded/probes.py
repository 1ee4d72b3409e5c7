"""Does a server answer its own protocol? Asked without its client library, in one round trip."""

from __future__ import annotations

import socket
import struct
from typing import Final

TIMEOUT_S: Final = 1.0
_API_VERSIONS: Final = 18
_CORRELATION_ID: Final = 1
_CLIENT_ID: Final = b"kpi-probe"


def kafka_answers(host: str, port: int) -> bool:
    """Tell whether a Kafka broker answers ApiVersions."""
    body = struct.pack(">hhih", _API_VERSIONS, 0, _CORRELATION_ID, len(_CLIENT_ID)) + _CLIENT_ID
    reply = _ask(host, port, struct.pack(">i", len(body)) + body, 10)
    return len(reply) == 10 and struct.unpack(">ih", reply[4:]) == (_CORRELATION_ID, 0)


def redis_answers(host: str, port: int) -> bool:
    """Tell whether a Redis or Valkey without a password answers PING (and is not still loading)."""
    return _ask(host, port, b"PING\r\n", 7) == b"+PONG\r\n"


def connects(address: str) -> bool:
    """Tell whether anything listens on HOST:PORT."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), TIMEOUT_S):
            return True
    except OSError:
        return False


def _ask(host: str, port: int, request: bytes, reply_bytes: int) -> bytes:
    """Send a request and return the first bytes of the reply, fewer where it does not answer."""
    reply = b""
    try:
        with socket.create_connection((host, port), TIMEOUT_S) as connection:
            connection.settimeout(TIMEOUT_S)
            connection.sendall(request)
            while len(reply) < reply_bytes:
                part = connection.recv(reply_bytes - len(reply))
                if not part:
                    break
                reply += part
    except OSError:
        return b""
    return reply
