"""One Grafana, over grafana-api: where it is, and what its refusals mean.

Everything that goes wrong is one :class:`UnreachableError` that says what to do about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import requests
from grafana_api.grafana_api import GrafanaClientError, GrafanaException, GrafanaUnauthorizedError
from grafana_api.grafana_face import GrafanaFace

from processors.errors import SettingsError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.settings import Settings

TIMEOUT_S: Final = 10.0
_FORBIDDEN, _NOT_FOUND = 403, 404


class Grafana:
    """Asks and tells one Grafana.

    Args:
        url: where it is, with the path that it is served below.
        token: of a service account; never shown.

    Raises:
        SettingsError: there is no usable URL or no token.
    """

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingsError(
                f"grafana_url: {url!r} is no http:// or https:// address: nothing can be sent"
            )
        if not token:
            raise SettingsError(
                "grafana_token is empty: Grafana would refuse; set KPI_GRAFANA_TOKEN, or"
                " KPI_GRAFANA_TOKEN_FILE, to the token of a service account with the role Editor"
            )
        path = parts.path.strip("/")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        self.url = url.rstrip("/")
        self._face = GrafanaFace(
            auth=token,
            host=host,
            port=parts.port,
            protocol=parts.scheme,
            url_path_prefix=f"{path}/" if path else "",
            timeout=TIMEOUT_S,
        )

    @classmethod
    def of(cls, settings: Settings) -> Grafana:
        """Return the Grafana of the settings.

        Raises:
            SettingsError: as above.
        """
        return cls(settings.grafana_url, settings.grafana_token)

    def ask(self, what: str, call: Callable[[GrafanaFace], Any]) -> Any:
        """Make a call and return its answer.

        Args:
            what: what is being done, for the message: "creating the folder KPIs".
            call: gets grafana-api's client.

        Raises:
            UnreachableError: it does not answer, or refuses; the message says which and why.
        """
        try:
            return call(self._face)
        except GrafanaException as error:
            raise UnreachableError(f"Grafana at {self.url}: {what}: {_meaning(error)}") from error
        except requests.Timeout as error:
            raise UnreachableError(
                f"Grafana at {self.url}: {what}: no answer within {TIMEOUT_S:g} s"
            ) from error
        except requests.ConnectionError as error:
            raise UnreachableError(
                f"Grafana at {self.url}: {what}: it cannot be reached: is grafana_url right, and"
                " is it running?"
            ) from error
        except (requests.RequestException, ValueError, TypeError) as error:
            raise UnreachableError(
                f"Grafana at {self.url}: {what}: what answers there is no Grafana:"
                f" {type(error).__name__}"
            ) from error

    def find(self, what: str, call: Callable[[GrafanaFace], Any]) -> Any | None:
        """Make a call and return its answer, None where there is no such thing.

        Raises:
            UnreachableError: as :meth:`ask`.
        """

        def asked(face: GrafanaFace) -> Any | None:
            try:
                return call(face)
            except GrafanaClientError as error:
                if error.status_code == _NOT_FOUND:
                    return None
                raise

        return self.ask(what, asked)


def _meaning(error: GrafanaException) -> str:
    """Return what an answer means for the person who asked."""
    said = error.response.get("message", "") if isinstance(error.response, dict) else ""
    if isinstance(error, GrafanaUnauthorizedError):
        return (
            "it does not take the token (401): it is wrong, revoked or expired; make a new one"
            " under Administration, Service accounts"
        )
    if error.status_code == _FORBIDDEN:
        return (
            f"the token's permission does not reach so far (403): {said or 'no more is said'};"
            " give its service account the role Editor, for a data source Admin"
        )
    return f"it answers {error.status_code}: {said or 'no more is said'}"
