"""A topic's tables for another number of partitions."""
