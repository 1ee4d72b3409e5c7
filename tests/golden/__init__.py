"""Golden cases: events in, KPI values out, worked by hand; one YAML file a KPI."""
