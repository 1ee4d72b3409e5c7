"""Grafana's own alerting, provisioned: what is alerted there goes the way of everything else.

The rules live in Prometheus. Alerts that people make in Grafana are handed to the same
Alertmanager: one file says who is told, and who is not while something is being worked on.
"""

from __future__ import annotations

from typing import Any, Final

from processors.catalog.model import Catalog
from streams.monitoring.rule_files import MARK, dump
from streams.monitoring.rules import PIPELINE

CONTACT: Final = "kpi-alertmanager"
ALERTMANAGER_URL: Final = "http://alertmanager:9093"  # its name in docker-compose.yml
ORGANISATION: Final = 1


def contact_points_yaml() -> str:
    """Return the contact points."""
    receiver = {
        "uid": CONTACT,
        "type": "prometheus-alertmanager",
        "settings": {"url": ALERTMANAGER_URL},
    }
    points = [{"orgId": ORGANISATION, "name": CONTACT, "receivers": [receiver]}]
    return MARK + dump({"apiVersion": 1, "contactPoints": points})


def policies_yaml(catalog: Catalog) -> str:
    """Return the notification policies: by family, its critical alerts apart."""
    families = sorted({metric.family for metric in catalog.metrics.values()})
    policy = {
        "orgId": ORGANISATION,
        "receiver": CONTACT,
        "group_by": ["kind", "family", "kpi"],
        "group_wait": "10s",
        "group_interval": "1m",
        "repeat_interval": "4h",
        "routes": [_route(family) for family in (*families, PIPELINE)],
    }
    return MARK + dump({"apiVersion": 1, "policies": [policy]})


def _route(family: str) -> dict[str, Any]:
    critical = {
        "receiver": CONTACT,
        "object_matchers": [["severity", "=", "critical"]],
        "repeat_interval": "1h",
    }
    return {
        "receiver": CONTACT,
        "object_matchers": [["family", "=", family]],
        "routes": [critical],
    }
