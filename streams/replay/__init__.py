"""Events from files into Kafka: own events as they are, foreign rows through a mapping."""
