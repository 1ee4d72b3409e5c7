"""Generated code: kpi generate."""
