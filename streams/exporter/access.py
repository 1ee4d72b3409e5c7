"""Who may read: on loopback anybody on this machine, elsewhere only who holds the token."""

from __future__ import annotations

import hmac
from base64 import b64decode
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from aiohttp import web

from processors.errors import SettingsError
from streams.exporter.assets import is_asset

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

OPEN_PATHS: Final = frozenset({"/healthz", "/readyz"})  # probes carry no token, and show no figures
_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="kpi", charset="UTF-8"'}


def is_loopback(host: str) -> bool:
    """Tell whether an address is reachable from this machine only."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def check_listener(host: str, token: str) -> None:
    """Refuse to serve business figures to a network without authentication.

    Raises:
        SettingsError: the address is not loopback and there is no token.
    """
    if not token and not is_loopback(host):
        raise SettingsError(
            f"exporter_host: {host!r} is not loopback and exporter_token is empty: anybody on the "
            "network could read every figure; set KPI_EXPORTER_TOKEN or KPI_EXPORTER_TOKEN_FILE, "
            "or listen on 127.0.0.1"
        )


def guard(token: str) -> Middleware:
    """Return the middleware that lets a request through, or answers 401 or 403.

    The live page and its files need no token: they hold no figures, and ask for it themselves.

    With a token: ``Authorization: Bearer TOKEN``, or Basic with the token as the password, which
    is what a browser can ask its user for. Without one (loopback only) the ``Host`` header must
    be a loopback name: otherwise any web page could read the figures by DNS rebinding.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in OPEN_PATHS:
            return await handler(request)
        if token:
            if is_asset(request.path):
                return await handler(request)
            if not hmac.compare_digest(_bytes(_presented(request)), _bytes(token)):
                return web.Response(status=401, text="a token is required\n", headers=_CHALLENGE)
        elif not is_loopback(request.url.host or ""):
            return web.Response(
                status=403,
                text="the Host header is not a loopback name; set KPI_EXPORTER_TOKEN to serve "
                "under other names\n",
            )
        return await handler(request)

    return check


def _presented(request: web.Request) -> str:
    """Return the token that a request carries, empty where it carries none."""
    header = request.headers.get("Authorization", "")
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() == "basic":
        try:
            return b64decode(credentials, validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return ""


def _bytes(text: str) -> bytes:
    """Encode a header's text back to what was sent, bytes that are no UTF-8 included."""
    return text.encode("utf-8", "surrogateescape")
