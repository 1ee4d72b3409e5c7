"""Grafana dashboards, generated from the catalogue with Grafana's own typed builders."""
