"""Replacing identities by a keyed hash of them, so that Kafka never holds who it was.

The same identity gives the same hash under the same key: sessions, carts and distinct visitors
come out alike. Whoever lacks the key cannot tell who it was, nor try names until one fits; who
destroys the key has forgotten everybody.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode

from processors.errors import SettingsError
from streams.collector.exact import decode_object, encode
from streams.schemas.fields import IDENTITIES

SECRET_LENGTH_MIN = 32
_FIELDS = (*IDENTITIES, "session_id", "cart_id")


class IdentityHasher:
    """Hashes the identities in events.

    Args:
        secret: the key.

    Raises:
        SettingsError: it is too short to withstand guessing.
    """

    def __init__(self, secret: str) -> None:
        if len(secret) < SECRET_LENGTH_MIN:
            raise SettingsError(
                f"collector_identity_key: {len(secret)} characters could be guessed, and with them "
                f"every identity: {SECRET_LENGTH_MIN} or more"
            )
        self._secret = secret.encode()

    def hash(self, identity: str) -> str:
        """Return what stands for an identity: 144 bits of HMAC-SHA-256."""
        digest = hmac.digest(self._secret, identity.encode("utf-8", "surrogatepass"), "sha256")
        return urlsafe_b64encode(digest[:18]).decode()

    def replace(self, value: bytes) -> bytes:
        """Replace the identities in an event's JSON; what is no event is returned as it is."""
        try:
            event = decode_object(value)
        except ValueError:
            return value
        for name in _FIELDS:
            identity = event.get(name)
            if isinstance(identity, str) and identity:
                event[name] = self.hash(identity)
        return encode(event)
