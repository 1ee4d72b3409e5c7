"""Alertmanager's configuration: routes by family and severity, grouping, inhibition, receivers.

Receivers come from the settings, so that no address or secret is in a file of the project:
``alert_webhook_url`` and ``alert_email_to`` get every alert, ``alert_slack_path`` every critical
one. Maintenance windows of the catalogue are times at which a family's routes are mute.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from processors.catalog.model import Catalog, Maintenance
from processors.errors import SettingsError
from streams.monitoring.rule_files import MARK, dump
from streams.monitoring.rules import BUSINESS, DATA, PIPELINE
from streams.settings import Settings


def alertmanager_yaml(catalog: Catalog, settings: Settings) -> str:
    """Return the configuration for the receivers that the settings name.

    Raises:
        SettingsError: an e-mail receiver without sender or server.
    """
    everybody, urgent = _receivers(settings)
    families = sorted({metric.family for metric in catalog.metrics.values()})
    document: dict[str, Any] = {
        "route": {
            "receiver": "everybody",
            "group_by": ["kind", "family", "kpi"],
            "group_wait": "10s",
            "group_interval": "1m",
            "repeat_interval": "4h",
            "routes": [_route(catalog, family) for family in (*families, PIPELINE)],
        },
        "inhibit_rules": [
            # Broken data explains a broken value.
            _inhibit([f'kind="{DATA}"'], [f'kind="{BUSINESS}"'], ["kpi"]),
            # Nothing can be said about any KPI while nothing is exported.
            _inhibit(
                ['alertname=~"PipelineExporterDown|PipelineExporterStale|PipelineWorkerDown"'],
                [f'kind=~"{BUSINESS}|{DATA}"'],
                [],
            ),
            # Of one value only: alerts of other kinds have none of these labels, so all are equal.
            _inhibit(
                ['severity="critical"', f'kind="{BUSINESS}"'],
                ['severity=~"warning|info"', f'kind="{BUSINESS}"'],
                ["kpi", "window", "by"],
            ),
        ],
        "receivers": [
            {"name": "everybody", **everybody},
            {"name": "urgent", **urgent},
        ],
    }
    if catalog.maintenance:
        document["time_intervals"] = [_times(window) for window in catalog.maintenance]
    return MARK + dump(document)


def _route(catalog: Catalog, family: str) -> dict[str, Any]:
    """Return a family's route, its critical alerts apart; what is mute must be said of both."""
    mute = [w.id for w in catalog.maintenance if not w.families or family in w.families]
    muted = {"mute_time_intervals": mute} if mute else {}
    critical = {
        "matchers": ['severity="critical"'],
        "receiver": "urgent",
        "repeat_interval": "1h",
        **muted,
    }
    return {
        "matchers": [f'family="{family}"'],
        "receiver": "everybody",
        **muted,
        "routes": [critical],
    }


def _times(window: Maintenance) -> dict[str, Any]:
    """Return a maintenance window as Alertmanager reads it: one interval a date."""
    same: dict[str, Any] = {"times": [{"start_time": window.start, "end_time": window.end}]}
    if window.days:
        same["weekdays"] = list(window.days)
    same["location"] = window.zone
    intervals = [
        {
            **same,
            "years": [str(day.year)],
            "months": [str(day.month)],
            "days_of_month": [str(day.day)],
        }
        for day in map(date.fromisoformat, window.dates)
    ]
    return {"name": window.id, "time_intervals": intervals or [same]}


def _inhibit(source: list[str], target: list[str], equal: list[str]) -> dict[str, Any]:
    rule: dict[str, Any] = {"source_matchers": source, "target_matchers": target}
    return rule | ({"equal": equal} if equal else {})


def _receivers(settings: Settings) -> tuple[dict[str, Any], dict[str, Any]]:
    everybody: dict[str, Any] = {}
    if settings.alert_webhook_url:
        everybody["webhook_configs"] = [{"url": settings.alert_webhook_url, "send_resolved": True}]
    if settings.alert_email_to:
        if not settings.alert_email_from or not settings.alert_smtp:
            raise SettingsError(
                f"alert_email_to: {settings.alert_email_to!r} needs alert_email_from and"
                " alert_smtp: no mail could be sent"
            )
        mail: dict[str, Any] = {
            "to": settings.alert_email_to,
            "from": settings.alert_email_from,
            "smarthost": settings.alert_smtp,
            "send_resolved": True,
        }
        if settings.alert_smtp_user:
            mail["auth_username"] = settings.alert_smtp_user
            mail["auth_password_file"] = settings.alert_smtp_password_path
        everybody["email_configs"] = [mail]
    urgent = dict(everybody)
    if settings.alert_slack_path:
        urgent["slack_configs"] = [
            {"api_url_file": settings.alert_slack_path, "send_resolved": True}
        ]
    return everybody, urgent
