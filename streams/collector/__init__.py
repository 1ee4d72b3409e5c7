"""The collector: events over HTTP, checked, and in Kafka before they are acknowledged."""
