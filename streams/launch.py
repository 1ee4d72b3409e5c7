"""The product's own processes as supervised children: which commands, ready when, restarted how."""

from __future__ import annotations

import sys
from dataclasses import replace
from http.client import HTTPException
from typing import TYPE_CHECKING, Final
from urllib.error import HTTPError
from urllib.request import urlopen

from streams.embedded.ports import LOOPBACK
from streams.supervisor.child import ChildSpec
from streams.supervisor.policy import RestartPolicy

if TYPE_CHECKING:
    from pathlib import Path

    from streams.settings import Settings

_PROBE_TIMEOUT_S: Final = 2.0
# A worker that waits for its share of the partitions is alive, but a group's first join takes
# about the rebalance timeout.
_READY_TIMEOUT_MS: Final = 60_000


def kpi_command(*arguments: str) -> tuple[str, ...]:
    """Return the command line of another ``kpi`` in this very installation.

    ``-P``: what lies in the current directory must not stand in for the installed packages.
    """
    return (sys.executable, "-P", "-m", "streams.cli.main", *arguments)


def worker_spec(settings: Settings, log_path: Path | None = None) -> ChildSpec:
    """Describe a worker; ``settings.worker_port`` must be set, readiness is asked there."""
    url = f"http://{LOOPBACK}:{settings.worker_port}/health"
    return ChildSpec(
        name="the worker",
        argv=kpi_command("worker"),
        env=settings.environment(),
        restart=RestartPolicy(),
        ready=lambda: answers(url),
        ready_timeout_ms=_READY_TIMEOUT_MS,
        log_path=log_path,
    )


def exporter_spec(settings: Settings, log_path: Path | None = None) -> ChildSpec:
    """Describe an exporter."""
    return ChildSpec(
        name="the exporter",
        argv=kpi_command("exporter"),
        env=settings.environment(),
        restart=RestartPolicy(),
        ready=lambda: answers(f"{exporter_url(settings)}/healthz"),
        ready_timeout_ms=_READY_TIMEOUT_MS,
        stop_timeout_ms=5_000,
        log_path=log_path,
    )


def collector_spec(settings: Settings, log_path: Path | None = None) -> ChildSpec:
    """Describe a collector."""
    return ChildSpec(
        name="the collector",
        argv=kpi_command("collector"),
        env=settings.environment(),
        restart=RestartPolicy(),
        ready=lambda: answers(f"{collector_url(settings)}/healthz"),
        ready_timeout_ms=_READY_TIMEOUT_MS,
        # It finishes the requests under way first.
        stop_timeout_ms=settings.collector_drain_timeout_ms + 5_000,
        log_path=log_path,
    )


def exporter_url(settings: Settings) -> str:
    """Return where this machine reaches the exporter."""
    return _url(settings.exporter_host, settings.exporter_port)


def collector_url(settings: Settings) -> str:
    """Return where this machine reaches the collector."""
    return _url(settings.collector_host, settings.collector_port)


def _url(host: str, port: int) -> str:
    if host in ("0.0.0.0", "::", ""):  # noqa: S104  # compared, not listened on
        host = LOOPBACK
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def answers(url: str) -> bool:
    """Tell whether a page answers at all; a sick process answers too."""
    try:
        with urlopen(url, timeout=_PROBE_TIMEOUT_S):  # noqa: S310  # built by us, always http
            return True
    except HTTPError:
        return True
    except (OSError, HTTPException):
        return False


def with_settings(settings: Settings, source: str, **values: str | int) -> Settings:
    """Return the settings with values that a command decides, and that it is their source."""
    sources = {**settings.sources, **dict.fromkeys(values, source)}
    return replace(settings, **values, sources=sources)  # type: ignore[arg-type]  # checked names
