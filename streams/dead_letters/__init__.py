"""Dead letters: reading, grouping and retrying what the worker has rejected."""
