"""Alertmanager's configuration: routes by family and severity, grouping, inhibition, receivers.

Receivers come from the environment, so that no address or secret is in a file of the project:

======================  =====================================================================
KPI_ALERT_WEBHOOK_URL   every alert is posted there
KPI_ALERT_SLACK_FILE    a file that holds Slack's webhook address; every critical alert
KPI_ALERT_EMAIL_TO      every alert; with KPI_ALERT_EMAIL_FROM and KPI_ALERT_SMTP (HOST:PORT)
======================  =====================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from processors.catalog.model import Catalog
from processors.errors import SettingsError
from streams.monitoring.rule_files import MARK, dump
from streams.monitoring.rules import BUSINESS, DATA, PIPELINE

WEBHOOK, SLACK = "KPI_ALERT_WEBHOOK_URL", "KPI_ALERT_SLACK_FILE"
EMAIL_TO, EMAIL_FROM, SMTP = "KPI_ALERT_EMAIL_TO", "KPI_ALERT_EMAIL_FROM", "KPI_ALERT_SMTP"


def alertmanager_yaml(catalog: Catalog, environment: Mapping[str, str]) -> str:
    """Return the configuration for the receivers that the environment names.

    Raises:
        SettingsError: an e-mail receiver without sender or server.
    """
    everybody, urgent = _receivers(environment)
    families = sorted({metric.family for metric in catalog.metrics.values()})
    document = {
        "route": {
            "receiver": "everybody",
            "group_by": ["kind", "family", "kpi"],
            "group_wait": "10s",
            "group_interval": "1m",
            "repeat_interval": "4h",
            "routes": [
                {
                    "matchers": ['severity="critical"'],
                    "receiver": "urgent",
                    "repeat_interval": "1h",
                },
                *(
                    {"matchers": [f'family="{family}"'], "receiver": "everybody"}
                    for family in (*families, PIPELINE)
                ),
            ],
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
    return MARK + dump(document)


def _inhibit(source: list[str], target: list[str], equal: list[str]) -> dict[str, Any]:
    rule: dict[str, Any] = {"source_matchers": source, "target_matchers": target}
    return rule | ({"equal": equal} if equal else {})


def _receivers(environment: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    everybody: dict[str, Any] = {}
    if url := environment.get(WEBHOOK):
        everybody["webhook_configs"] = [{"url": url, "send_resolved": True}]
    if to := environment.get(EMAIL_TO):
        sender, server = environment.get(EMAIL_FROM), environment.get(SMTP)
        if not sender or not server:
            raise SettingsError(
                f"{EMAIL_TO}: {to!r} needs {EMAIL_FROM} and {SMTP}: no mail could be sent"
            )
        everybody["email_configs"] = [
            {"to": to, "from": sender, "smarthost": server, "send_resolved": True}
        ]
    urgent = dict(everybody)
    if path := environment.get(SLACK):
        urgent["slack_configs"] = [{"api_url_file": path, "send_resolved": True}]
    return everybody, urgent
