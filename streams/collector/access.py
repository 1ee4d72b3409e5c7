"""Who may send: the key that a request presents, its origin, its rate."""

from __future__ import annotations

import logging
import time
from base64 import b64decode
from functools import lru_cache
from typing import TYPE_CHECKING

from yarl import URL

from processors.errors import SettingsError
from streams.collector.keys import Key, KeyRing, Scope, read_ring
from streams.collector.limits import TokenBucket
from streams.collector.refusal import Refusal
from streams.exporter.access import is_loopback
from streams.producer.prepare import now_ms

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp import web

_log = logging.getLogger(__name__)
_RELOAD_S = 1.0
OPEN_KEY = Key("local", "local", "")
"""Stands for everybody on this machine, where a loopback collector has no key file."""


class Doorkeeper:
    """Lets requests in.

    Args:
        path: the key file, read again when it changes; None: no keys, loopback only.
        events_per_s: the rate of keys that have none of their own.
    """

    def __init__(self, path: Path | None, events_per_s: int) -> None:
        self._path = path
        self._events_per_s = events_per_s
        self._ring = read_ring(path) if path is not None else KeyRing()
        self._stamp = self._file_stamp()
        self._looked_s = time.monotonic()
        self._buckets: dict[str, TokenBucket] = {}

    def admit(self, request: web.Request, presented: str = "", scope: Scope = "write") -> Key:
        """Return the key that a request may act under.

        Args:
            request: the request.
            presented: a key that its body carries, if any.
            scope: what it wants to do.

        Raises:
            Refusal: 401 without a valid key, 403 from a foreign origin or host.
        """
        key = self._key(request, presented or presented_key(request), scope)
        origin = request.headers.get("Origin")
        if origin is not None and not self._origin_allowed(key, origin):
            raise Refusal(403, "origin", f"origin {origin!r} is not one of this key's")
        return key

    def pay(self, key: Key, events: int) -> None:
        """Count events against the key's rate.

        Raises:
            Refusal: 429 where it is used up.
        """
        rate = key.events_per_s or self._events_per_s
        bucket = self._buckets.setdefault(f"{key.id}:{rate}", TokenBucket(rate, time.monotonic))
        wait_s = bucket.wait_s(events)
        if wait_s:
            raise Refusal(429, "rate", f"more than {rate} events a second", wait_s)

    def allows_origin(self, origin: str) -> bool:
        """Whether any key allows a web origin: asked by a browser that shows no key yet."""
        if self._path is None:
            return _loopback_origin(origin)
        return origin in self._current().origins(now_ms())

    def _key(self, request: web.Request, presented: str, scope: Scope) -> Key:
        if self._path is None:
            # Without keys any web page could send events by rebinding a name to 127.0.0.1.
            if not _loopback_host(request.host):
                raise Refusal(403, "host", "the Host header is not a loopback name")
            return OPEN_KEY
        key = self._current().find(presented, now_ms()) if presented else None
        if key is None:
            raise Refusal(401, "key", "a valid write key is required")
        if key.scope != scope:
            raise Refusal(403, "scope", f"key {key.id} is for {key.scope}, not for {scope}")
        return key

    def _origin_allowed(self, key: Key, origin: str) -> bool:
        return _loopback_origin(origin) if key is OPEN_KEY else origin in key.origins

    def _current(self) -> KeyRing:
        now_s = time.monotonic()
        if self._path is not None and now_s - self._looked_s >= _RELOAD_S:
            self._looked_s = now_s
            stamp = self._file_stamp()
            if stamp != self._stamp:
                self._stamp = stamp
                self._reload(self._path)
        return self._ring

    def _reload(self, path: Path) -> None:
        try:
            self._ring = read_ring(path)
            _log.info("%s: %d keys", path, len(self._ring.keys))
        except SettingsError as error:
            _log.error("%s: the keys read before stay in force", error)

    def _file_stamp(self) -> tuple[int, int]:
        try:
            stat = self._path.stat() if self._path is not None else None
        except FileNotFoundError:
            return 0, 0
        return (stat.st_mtime_ns, stat.st_ino) if stat is not None else (0, 0)


def presented_key(request: web.Request) -> str:
    """Return the key in a request's head: Basic (user name), Bearer, or ``?key=``."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() == "basic":
        try:
            return b64decode(credentials, validate=True).decode().partition(":")[0]
        except ValueError:
            return ""
    return request.query.get("key", "")


@lru_cache(maxsize=256)
def _loopback_origin(origin: str) -> bool:
    try:
        return is_loopback(URL(origin).host or "")
    except ValueError:
        return False


@lru_cache(maxsize=256)
def _loopback_host(host: str) -> bool:
    return _loopback_origin(f"http://{host}")
