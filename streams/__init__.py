"""The edge: every connection, file, clock and process of kpi-streams."""
