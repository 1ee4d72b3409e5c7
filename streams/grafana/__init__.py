"""A Grafana that runs already: what it shows is put there over its HTTP API."""
