"""Keyed processors: one module each, and one line in the registry."""
