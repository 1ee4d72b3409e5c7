"""The exporter: follows the tables and serves KPIs as Prometheus metrics, JSON and a stream."""
