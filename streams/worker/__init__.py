"""The Faust worker: one agent a topic, one runner a partition."""
