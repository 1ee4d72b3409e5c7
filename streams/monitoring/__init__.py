"""What people are told: Prometheus rules, their tests, Alertmanager's configuration, the runbook.

Everything is generated from the catalogue by ``kpi generate``.
"""
