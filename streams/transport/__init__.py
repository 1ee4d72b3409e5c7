"""The batched Kafka transport for Faust: one message a fetched partition slice (``kpi://``)."""
