"""How every Kafka client of the product connects: addresses, TLS and login, from the settings.

aiokafka and kafka-python take the same names; Faust takes credentials (:func:`credentials`).
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final

from faust.auth import Credentials, SASLCredentials, SSLCredentials

from processors.errors import SettingsError

if TYPE_CHECKING:
    from streams.settings import Settings

PLAINTEXT: Final = "PLAINTEXT"


def connection(settings: Settings) -> dict[str, Any]:
    """Return what a client needs to reach the broker: ``bootstrap_servers`` and security.

    Raises:
        SettingsError: a certificate or key cannot be used, or the login is incomplete.
    """
    return {"bootstrap_servers": settings.broker.split(","), **security(settings)}


def security(settings: Settings) -> dict[str, Any]:
    """Return the part of :func:`connection` beside the addresses; empty for PLAINTEXT.

    Raises:
        SettingsError: see :func:`connection`.
    """
    protocol = settings.broker_security
    if protocol == PLAINTEXT:
        return {}
    found: dict[str, Any] = {"security_protocol": protocol}
    if protocol.endswith("SSL"):
        found["ssl_context"] = _context(settings)
    if protocol.startswith("SASL"):
        if not settings.broker_user or not settings.broker_password:
            raise SettingsError(
                f"broker_security is {protocol}, but broker_user or broker_password is not set: "
                "the broker would refuse every client"
            )
        found["sasl_mechanism"] = settings.broker_mechanism
        found["sasl_plain_username"] = settings.broker_user
        found["sasl_plain_password"] = settings.broker_password
    return found


def credentials(settings: Settings) -> Credentials | None:
    """Return the same for Faust.

    Raises:
        SettingsError: see :func:`connection`.
    """
    found = security(settings)
    context = found.get("ssl_context")
    if "sasl_mechanism" in found:
        return SASLCredentials(
            username=found["sasl_plain_username"],
            password=found["sasl_plain_password"],
            mechanism=found["sasl_mechanism"],
            ssl_context=context,
        )
    return None if context is None else SSLCredentials(context=context)


def _context(settings: Settings) -> ssl.SSLContext:
    """Return a context that verifies the broker, and shows our certificate where there is one."""
    try:
        context = ssl.create_default_context(cafile=settings.broker_ca_path or None)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"broker_ca_path: {settings.broker_ca_path}: {error}: no broker could be trusted"
        ) from error
    if settings.broker_cert_path:
        try:
            context.load_cert_chain(settings.broker_cert_path, settings.broker_key_path or None)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(
                f"broker_cert_path: {settings.broker_cert_path}: {error}: the broker would refuse"
                " this client"
            ) from error
    return context
