"""Real servers from wheels: the Tansu broker (Kafka protocol) and Valkey, as child processes."""
