"""Write keys: who may send events, kept as hashes.

A key is 256 random bits, so one SHA-256 of it is as hard to reverse as the key is to guess; slow
hashes are for passwords that people choose. Keys of other systems may be taken over if they are
long enough to be random.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from processors.errors import SettingsError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

Scope = Literal["write", "metrics"]
PREFIX = "kpi_"
FOREIGN_LENGTH_MIN = 24
_VERSION = 1


@dataclass(frozen=True)
class Key:
    """A key's record; the key itself is shown once, when it is made.

    Attributes:
        id: names the key in lists, logs and metrics.
        source: who sends with it; stays the same when the key is rotated.
        sha256: hash of the key, hexadecimal.
        scope: ``write`` sends events, ``metrics`` reads /metrics.
        created_ms: ms since 1970 UTC.
        ends_ms: when it ended or will end, ms since 1970 UTC; 0: never.
        origins: web origins that may use it from a browser.
        events_per_s: its rate; 0: the collector's.
        currency: ISO 4217, for Segment's events that name none.
    """

    id: str
    source: str
    sha256: str
    scope: Scope = "write"
    created_ms: int = 0
    ends_ms: int = 0
    origins: tuple[str, ...] = ()
    events_per_s: int = 0
    currency: str = ""

    def valid(self, now_ms: int) -> bool:
        """Whether it still opens anything."""
        return not self.ends_ms or now_ms < self.ends_ms


def digest(key: str) -> str:
    """Return what is stored of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


class KeyRing:
    """All keys of a collector."""

    def __init__(self, keys: tuple[Key, ...] = ()) -> None:
        self.keys = keys
        self._by_digest = {key.sha256: key for key in keys}

    def find(self, presented: str, now_ms: int) -> Key | None:
        """Return the key that was presented, None if it is unknown or has ended.

        The search is by hash, which tells a stopwatch nothing about the key.
        """
        hashed = digest(presented)
        key = self._by_digest.get(hashed)
        if key is None or not hmac.compare_digest(key.sha256, hashed) or not key.valid(now_ms):
            return None
        return key

    def origins(self, now_ms: int) -> frozenset[str]:
        """Return the web origins that any valid key allows."""
        return frozenset(origin for key in self.keys if key.valid(now_ms) for origin in key.origins)

    def add(self, key: Key, foreign: str = "") -> tuple[KeyRing, str]:
        """Return a ring with a new key, and the key's text.

        Args:
            key: its record; ``id`` and ``sha256`` are filled in.
            foreign: the text of a key of another system; empty: a new one is made.

        Raises:
            UsageError: the foreign key is too short to be random, or is there already.
        """
        if foreign and len(foreign) < FOREIGN_LENGTH_MIN:
            raise UsageError(
                f"a key of {len(foreign)} characters could be guessed: {FOREIGN_LENGTH_MIN} or more"
            )
        text = foreign or PREFIX + secrets.token_urlsafe(32)
        if digest(text) in self._by_digest:
            raise UsageError("this key is there already")
        numbers = [int(k.id.rpartition("-")[2]) for k in self.keys if k.source == key.source]
        fresh = replace(key, id=f"{key.source}-{max(numbers, default=0) + 1}", sha256=digest(text))
        return KeyRing((*self.keys, fresh)), text

    def rotate(self, source: str, now_ms: int, grace_ms: int) -> tuple[KeyRing, str]:
        """Return a ring with a fresh key for a source; its others end after ``grace_ms``.

        Raises:
            UsageError: the source has no valid key.
        """
        valid = [key for key in self.keys if key.source == source and key.valid(now_ms)]
        if not valid:
            raise UsageError(f"source {source} has no valid key: add one")
        ends_ms = now_ms + grace_ms
        ring = KeyRing(
            tuple(
                replace(key, ends_ms=min(key.ends_ms or ends_ms, ends_ms)) if key in valid else key
                for key in self.keys
            )
        )
        return ring.add(replace(valid[-1], created_ms=now_ms, ends_ms=0))

    def revoke(self, key_id: str, now_ms: int) -> KeyRing:
        """Return a ring in which a key has ended.

        Raises:
            UsageError: there is no such key.
        """
        if key_id not in {key.id for key in self.keys}:
            raise UsageError(f"there is no key {key_id}")
        return KeyRing(
            tuple(
                replace(key, ends_ms=now_ms) if key.id == key_id and key.valid(now_ms) else key
                for key in self.keys
            )
        )


def read_ring(path: Path) -> KeyRing:
    """Read a key file; a missing one holds no keys.

    Raises:
        SettingsError: it cannot be read.
    """
    try:
        stored = json.loads(path.read_text("utf-8"))
        return KeyRing(tuple(_key(record) for record in stored["keys"]))
    except FileNotFoundError:
        return KeyRing()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"collector_keys: {path}: cannot be read: {error}") from error


def write_ring(path: Path, ring: KeyRing) -> None:
    """Replace a key file as a whole; only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"version": _VERSION, "keys": [asdict(key) for key in ring.keys]}
    fresh = path.with_name(path.name + ".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file, indent=1)
    fresh.replace(path)


def _key(record: dict[str, Any]) -> Key:
    known = {field.name for field in fields(Key)}
    chosen = {name: value for name, value in record.items() if name in known}
    return Key(**{**chosen, "origins": tuple(chosen.get("origins", ()))})
